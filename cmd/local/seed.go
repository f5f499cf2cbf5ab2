package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/uuid"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/project"
)

// sender is the number of the demo project to which recipients answer.
const sender = "+15550100000"

// seed puts the demo project into the table. Doing so again changes nothing.
func (d *demo) seed(ctx context.Context, cloud *local.Cloud) error {
	store := dynamo.New(aws.Config{
		Region:       sam.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		BaseEndpoint: &cloud.DynamoDBEndpoint,
	}, cloud.Table)
	now := time.Now()
	err := store.CreateProject(ctx, project.New(d.Project, "Demo", now))
	if err != nil && !errors.Is(err, project.ErrExists) {
		return err
	}
	if d.ClientKey, err = createKey(ctx, store, d.ClientKey, d.Project, project.Client, now); err != nil {
		return err
	}
	if d.SecretKey, err = createKey(ctx, store, d.SecretKey, d.Project, project.Admin, now); err != nil {
		return err
	}
	if err := createGroups(ctx, store, d.Project, now); err != nil {
		return err
	}
	if err := store.PutSender(ctx, project.Sender{Number: sender, ProjectID: d.Project, AnsweredBy: project.AnsweredByUs}); err != nil {
		return err
	}
	return d.keep()
}

// createKey stores a key and returns its token: the one given, or a new one if that is "".
func createKey(ctx context.Context, store *dynamo.Store, token, projectID string, role project.Role, now time.Time) (string, error) {
	key, token := project.NewKey(token, projectID, role, "Demo "+string(role), now)
	err := store.CreateKey(ctx, key)
	if errors.Is(err, project.ErrExists) {
		return "", fmt.Errorf("the %s key belongs to another project: name the project with -project, or choose another key", role)
	}
	return token, err
}

// createGroups makes the groups of the demo project that it does not have yet.
func createGroups(ctx context.Context, store *dynamo.Store, projectID string, now time.Time) error {
	existing, err := store.Groups(ctx, projectID)
	if err != nil {
		return err
	}
	for _, wanted := range []consent.Group{
		{Name: "SMS updates", Channel: consent.SMS},
		{Name: "Newsletter", Channel: consent.Email},
	} {
		there := slices.ContainsFunc(existing, func(g consent.Group) bool {
			return g.Name == wanted.Name && g.Channel == wanted.Channel
		})
		if there {
			continue
		}
		wanted.ID, wanted.ProjectID = uuid.Must(uuid.NewV7()).String(), projectID
		wanted.Public, wanted.CreatedAt = true, now
		if err := store.CreateGroup(ctx, wanted); err != nil {
			return err
		}
	}
	return nil
}
