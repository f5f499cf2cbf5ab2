package dynamo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/csvimport"
)

var _ csvimport.Records = (*Store)(nil)

// progressLife is for how long progress is kept: as long as the before-images that an undo needs, and some days.
const progressLife = 40 * 24 * time.Hour

// Import implements csvimport.Records.
func (s *Store) Import(ctx context.Context, projectID, id string) (csvimport.Import, error) {
	i, err := get[recordItem](ctx, s, importKey(projectID, id), "get import")
	if err != nil {
		return csvimport.Import{}, err
	}
	return decodeRecord[csvimport.Import](i)
}

// ChangeImport implements csvimport.Records.
func (s *Store) ChangeImport(ctx context.Context, projectID, id string, change func(*csvimport.Import) error) (csvimport.Import, error) {
	first := recordItem{key: importKey(projectID, id), ID: id, ListPK: importsPK(projectID)}
	return changeRecord(ctx, s, first, csvimport.Import{ID: id, ProjectID: projectID}, change)
}

// ChangeChunk implements csvimport.Records.
func (s *Store) ChangeChunk(ctx context.Context, t csvimport.Task, change func(*csvimport.Chunk) error) (csvimport.Chunk, error) {
	first := recordItem{key: chunkKey(t.ProjectID, t.ImportID, string(t.Phase), t.Chunk), Expires: s.now().Add(progressLife).Unix()}
	return changeRecord(ctx, s, first, csvimport.Chunk{Phase: t.Phase, Number: t.Chunk}, change)
}

// Chunks implements csvimport.Records.
func (s *Store) Chunks(ctx context.Context, projectID, id string, phase csvimport.Phase) ([]csvimport.Chunk, error) {
	var chunks []csvimport.Chunk
	prefix := chunkPrefix(string(phase))
	err := s.query(ctx, importKey(projectID, id).PK, prefix, "list chunks", func(av item) error {
		c, err := readRecord[csvimport.Chunk](av)
		chunks = append(chunks, c)
		return err
	})
	slices.SortFunc(chunks, func(a, b csvimport.Chunk) int { return cmp.Compare(a.Number, b.Number) })
	return chunks, err
}

// Imports implements csvimport.Records.
func (s *Store) Imports(ctx context.Context, projectID, after string, limit int) ([]csvimport.Import, string, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: new(indexProject), Limit: new(int32(limit)), ScanIndexForward: new(false),
		KeyConditionExpression:    new("list_pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(importsPK(projectID))},
	}
	if after != "" {
		k := importKey(projectID, after)
		in.ExclusiveStartKey = item{"pk": str(k.PK), "sk": str(k.SK), "list_pk": str(importsPK(projectID)), "id": str(after)}
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, "", translate(err, "list imports")
	}
	var keys []key
	for _, av := range out.Items {
		k, err := decode[key](av)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, k)
	}
	imports, err := s.importsOf(ctx, keys)
	if err != nil || len(out.LastEvaluatedKey) == 0 || len(imports) == 0 {
		return imports, "", err
	}
	return imports, imports[len(imports)-1].ID, nil
}

// importsOf reads imports and returns them newest first.
func (s *Store) importsOf(ctx context.Context, keys []key) ([]csvimport.Import, error) {
	var imports []csvimport.Import
	err := s.batchGet(ctx, keys, "get imports", func(av item) error {
		record, err := readRecord[csvimport.Import](av)
		imports = append(imports, record)
		return err
	})
	slices.SortFunc(imports, func(a, b csvimport.Import) int { return cmp.Compare(b.ID, a.ID) })
	return imports, err
}
