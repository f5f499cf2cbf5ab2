// Command bare is the least that a Lambda function on DynamoDB can be: the yardstick of cmd/bench.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: new(os.Getenv("TABLE_NAME"))})
		return events.APIGatewayV2HTTPResponse{StatusCode: 200}, err
	})
}
