package local

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"lunogram-users/internal/local/delivery"
	"lunogram-users/internal/local/lambda"
	"lunogram-users/internal/local/queue"
	"lunogram-users/internal/local/sam"
)

// createFunctions makes the functions and, for those with asynchronous triggers, the queues before them.
func (c *Cloud) createFunctions(context.Context) error {
	for _, f := range c.Template.Functions {
		binary, err := filepath.Abs(filepath.Join(c.options.BuildDir, f.Name, "bootstrap"))
		if err != nil {
			return err
		}
		if _, err := os.Stat(binary); err != nil {
			return fmt.Errorf("function %s is not built (%s is missing): run `make build-local`", f.LogicalID, binary)
		}
		c.functions[f.Name] = lambda.New(lambda.Config{
			Name: f.FunctionName, ARN: f.ARN, Binary: binary, Environment: c.environment(f, filepath.Dir(binary)),
			Timeout: f.Timeout, MaxProcesses: c.concurrency(f), Output: c.logs.named(f.Name), Group: c.group,
		})
	}
	for _, f := range c.Template.Functions {
		if len(f.S3)+len(f.SNS) > 0 {
			c.async[f.Name] = c.newDelivery(f)
		}
	}
	return nil
}

// concurrency returns how many processes a function may have.
func (c *Cloud) concurrency(f *sam.Function) int {
	if f.Concurrency > 0 {
		return f.Concurrency
	}
	return c.options.Concurrency
}

// environment returns the variables of a function: nothing of this process's own.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (c *Cloud) environment(f *sam.Function, directory string) []string {
	variables := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME":               f.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":            "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE":        strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":         "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":                  "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":              "/aws/lambda/" + f.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME":             "local",
		"AWS_REGION":                             sam.Region,
		"AWS_DEFAULT_REGION":                     sam.Region,
		"AWS_ACCESS_KEY_ID":                      f.FunctionName, // see package permission
		"AWS_SECRET_ACCESS_KEY":                  "local",
		"AWS_EC2_METADATA_DISABLED":              "true",
		"AWS_ENDPOINT_URL_DYNAMODB":              c.guarded,
		"AWS_ENDPOINT_URL_S3":                    c.S3URL,
		"AWS_ENDPOINT_URL_SQS":                   c.SQSURL,
		"AWS_ENDPOINT_URL_SNS":                   c.URL + snsPath,
		"AWS_ENDPOINT_URL_EVENTBRIDGE":           c.URL + eventsPath,
		"AWS_ENDPOINT_URL_SCHEDULER":             c.URL + schedulerPath,
		"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": c.URL + textPath,
		"LAMBDA_TASK_ROOT":                       directory,
		"LAMBDA_RUNTIME_DIR":                     directory,
		"LANG":                                   "en_US.UTF-8",
		"TZ":                                     ":UTC",
		"_HANDLER":                               "bootstrap",
	}
	maps.Copy(variables, f.Environment)
	maps.Copy(variables, c.options.Environment)
	list := make([]string, 0, len(variables))
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, name+"="+variables[name])
	}
	return list
}

func (c *Cloud) newDelivery(f *sam.Function) *delivery.Queue {
	return delivery.New(delivery.Config{
		Function: c.functions[f.Name], FunctionARN: f.ARN,
		Retries: f.Async.Retries, MaxAge: f.Async.MaxAge, RetryDelay: c.options.RetryDelay,
		OnFailure: c.sendTo(f.Async.OnFailure), Journal: c.journal, Log: c.log.With("function", f.Name),
	})
}

// openQueues makes the queues, those that others name as dead-letter queues first.
func (c *Cloud) openQueues(context.Context) error {
	for _, q := range c.Template.Queues {
		if _, err := c.openQueue(q); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) openQueue(q *sam.Queue) (*queue.Queue, error) {
	if opened, ok := c.queues[q.Name]; ok {
		return opened, nil
	}
	config := queue.Config{
		Name: q.Name, ARN: q.ARN, URL: q.URL, Visibility: q.Visibility, Delay: q.Delay,
		MaxReceive: q.MaxReceive, Copies: c.options.Deliveries, Journal: c.journal,
	}
	if q.DeadLetter != nil && q.DeadLetter != q {
		dead, err := c.openQueue(q.DeadLetter)
		if err != nil {
			return nil, err
		}
		config.DeadLetter = dead
	}
	opened, err := queue.New(config)
	if err != nil {
		return nil, err
	}
	c.queues[q.Name] = opened
	return opened, nil
}

// startFeeding begins to poll queues and streams for functions, and warms those behind routes.
func (c *Cloud) startFeeding() {
	for _, m := range c.streams {
		c.feeding.Go(func() { m.Run(c.ctx, c.force) })
	}
	for _, f := range c.Template.Functions {
		for _, trigger := range f.SQS {
			// More messages than there are processes would only wait, and their visibility timeouts pass.
			parallel := c.concurrency(f)
			if trigger.Concurrency > 0 {
				parallel = min(parallel, trigger.Concurrency)
			}
			m := &queue.Mapping{
				Queue: c.queues[trigger.Queue.Name], Function: c.functions[f.Name], BatchSize: trigger.BatchSize,
				PartialFailure: trigger.PartialFailure, Parallel: parallel,
				RetryDelay: c.options.RetryDelay, Log: c.log.With("function", f.Name),
			}
			c.feeding.Go(func() { m.Run(c.ctx, c.force) })
		}
	}
	c.feeding.Go(func() {
		if err := c.warm(); err != nil {
			c.reason = err
			close(c.broken)
			c.log.Error("the cloud cannot serve", "error", err)
			return
		}
		close(c.ready)
	})
}

// warm starts one process of each function behind a route, one after the other, and waits for their polls.
func (c *Cloud) warm() error {
	for _, f := range c.Template.Functions {
		if len(f.Routes) == 0 {
			continue
		}
		if err := c.functions[f.Name].Warm(c.ctx); err != nil {
			return fmt.Errorf("start function %s: %w", f.Name, err)
		}
	}
	return nil
}
