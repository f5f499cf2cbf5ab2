// Command recompute is the Lambda function that does the tasks of lists: it fills, prunes and copies them, and settles users
// whose moment has come.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"lunogram-users/internal/boot/memberships"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	rt, err := memberships.Load()
	if err != nil {
		return err
	}
	lambda.Start(rt.Engine.HandleTasks)
	return nil
}
