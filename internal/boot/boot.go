// Package boot is what every function does first: it reads the environment that template.yaml sets, loads one
// AWS config, and makes the store and the logger. It and the packages below it are the only ones of the functions that read
// the environment.
package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"lunogram-users/internal/dynamo"
)

// warmTime is the longest that Warm may delay the start of a function.
const warmTime = time.Second

// Runtime is what a function is built from. Everything in it is safe for concurrent use.
type Runtime struct {
	Config aws.Config
	Store  *dynamo.Store
	// Log writes records in the form of AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL, with the request id
	// wherever the context of an invocation is passed.
	Log *slog.Logger
}

// Load reads the environment and returns the runtime. Its logger becomes the default one. The error names every
// variable that is missing.
func Load() (*Runtime, error) {
	table, missing := Variable("TABLE_NAME")
	cfg, err := Config()
	if err := errors.Join(missing, err); err != nil {
		return nil, err
	}
	return &Runtime{Config: cfg, Store: dynamo.New(cfg, table), Log: Logger()}, nil
}

// Logger returns the logger of a function (see Runtime), which becomes the default one.
func Logger() *slog.Logger {
	log := lambdacontext.NewLogger()
	slog.SetDefault(log)
	return log
}

// Config returns the AWS config of the environment in which Lambda runs a process: region, credentials and endpoints
// come from variables and from nowhere else
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
// The SDK's own LoadDefaultConfig also looks into files, the metadata service and single sign-on, none of which
// a function has, and adds 1.7 MB to each of them.
func Config() (aws.Config, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS environment: %w", err)
	}
	var missing []error
	if env.Region == "" {
		missing = append(missing, unset("AWS_REGION"))
	}
	if !env.Credentials.HasKeys() {
		missing = append(missing, unset("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))
	}
	return aws.Config{
		Region:        env.Region,
		Credentials:   credentials.StaticCredentialsProvider{Value: env.Credentials},
		ConfigSources: []any{env}, // the service clients look for their endpoints here
		Retryer:       func() aws.Retryer { return retry.NewStandard() },
		// As LoadDefaultConfig has it: S3 checks what it gets, and the client what it reads.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}, errors.Join(missing...)
}

// Warm opens the connection to DynamoDB, for at most a second. Lambda gives a function its full CPU while it starts,
// so the TLS handshake costs a fraction of what it would cost the first request. What comes of it is of no
// matter: if DynamoDB cannot be reached, requests will say so.
func (r *Runtime) Warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	r.Store.Warm(ctx)
}

// Variable returns the value of a variable that template.yaml sets, or an error that names it.
func Variable(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	return "", unset(name)
}

func unset(name string) error {
	return fmt.Errorf("the environment variable %s is not set; template.yaml and Lambda set it", name)
}
