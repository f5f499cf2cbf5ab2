package main

import (
	"fmt"
	"io"

	"lunogram-users/internal/local"
)

// welcome prints where everything is and commands to try.
func welcome(out io.Writer, cloud *local.Cloud, d *demo) error {
	topic := "<topic>"
	if len(cloud.Template.Topics) > 0 {
		topic = cloud.Template.Topics[0].LogicalID
	}
	_, err := fmt.Fprintf(out, `
Lunogram Users is running; Ctrl-C stops it.

  API          %[1]s
  S3           %[2]s
  SQS          %[8]s
  DynamoDB     %[3]s  (table %[9]s)
  bucket       %[4]s
  project      %[5]s
  client key   %[6]s
  secret key   %[7]s
  SMS sender   %[10]s

Create a user:

  curl %[1]s/api/client/users \
    -H 'Authorization: Bearer %[6]s' -H 'Content-Type: application/json' \
    -d '{"identifier":[{"external_id":"user_123"}],"email":"alice@example.com","phone":"+15550100123","data":{"plan":"premium"}}'

Import a CSV, and see what became of its rows; what is refused comes back under results/ in the bucket:

  printf 'identifier,email,plan\nuser_001,bob@example.com,free\n' > demo.csv
  curl -T demo.csv %[2]s/%[4]s/imports/%[5]s/demo.csv
  curl -H 'Authorization: Bearer %[7]s' %[1]s/api/admin/projects/%[5]s/imports

Or ask first what it would do, without doing it, and put the file to the upload.url of the answer:

  curl %[1]s/api/admin/projects/%[5]s/imports \
    -H 'Authorization: Bearer %[7]s' -d '{"name":"demo.csv","dry_run":true}'
  curl -T demo.csv UPLOAD_URL

Answer STOP to an SMS, and see the user's subscriptions change:

  curl %[1]s/_local/sns/%[11]s \
    -d '{"originationNumber":"+15550100123","destinationNumber":"%[10]s","messageKeyword":"STOP","messageBody":"STOP","inboundMessageId":"'$(date +%%s)'"}'
  curl -H 'Authorization: Bearer %[7]s' \
    %[1]s/api/admin/projects/%[5]s/subjects/users/ID_OF_THE_FIRST_ANSWER/subscriptions

Make the user's links, and open the preferences in a browser:

  curl %[1]s/api/admin/projects/%[5]s/links \
    -H 'Authorization: Bearer %[7]s' -d '{"identifier":[{"external_id":"user_123"}]}'

`, cloud.URL, cloud.S3URL, cloud.DynamoDBEndpoint, cloud.Bucket, d.Project, d.ClientKey, d.SecretKey,
		cloud.SQSURL, cloud.Table, sender, topic)
	return err
}
