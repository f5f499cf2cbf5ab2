# The words of this project; `make help` lists them. Needs Go, GNU make, and npm for `make tools`.

# lambda.norpc leaves out the RPC mode of the retired go1.x runtime: 4 MB of every binary. It is set for all
# commands alike, so that they share the build cache.
export GOFLAGS := $(strip $(GOFLAGS) -tags=lambda.norpc)

release    := -trimpath -ldflags="-s -w"
functions  := $(notdir $(patsubst %/,%,$(wildcard functions/*/)))
staticcheck = go tool -modfile=tools/go.mod staticcheck

.PHONY: help run test lint build build-local bench tools browser deploy clean FORCE

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: tools build-local ## run the whole system on this machine (ARGS="-addr 127.0.0.1:8081 …"); Ctrl-C stops it
	@go build -o build/local/cloud ./cmd/local
	@exec build/local/cloud $(ARGS)

test: tools browser build-local lint ## check everything, as CI does
	go test -race -shuffle=on -p 2 -timeout 15m ./...

lint: ## check format, vet, staticcheck, go fix, go.mod and the template
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "run gofmt -w on:"; echo "$$files"; exit 1; fi
	go vet ./...
	$(staticcheck) ./...
	go fix -diff ./...
	go mod tidy -diff
	@if command -v cfn-lint >/dev/null; then echo cfn-lint template.yaml; cfn-lint template.yaml; \
	else echo "cfn-lint is not installed: template.yaml is checked by internal/law only"; fi

build: ## cross-compile the functions for AWS into build/<name>/bootstrap
	@$(MAKE) --no-print-directory -j2 $(functions:%=build/%/bootstrap)

build-local: ## compile the functions for this machine into build/local/<name>/bootstrap
	@$(MAKE) --no-print-directory -j2 $(functions:%=build/local/%/bootstrap)

# Go knows best what is up to date.
build/%/bootstrap: FORCE
	@CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(release) -o $@ ./functions/$*

build/local/%/bootstrap: FORCE
	@CGO_ENABLED=0 go build $(release) -o $@ ./functions/$*

bench: tools build build-local ## measure size, start, time and memory of the functions
	@go run ./cmd/bench $(ARGS)

tools: ## fetch the DynamoDB engine into .tools/
	@tools/engine.sh

browser: ## get Chromium and axe-core, which look at the pages in tests
	@tools/browser.sh

deploy: build ## deploy to AWS with the SAM CLI (ARGS="--config-env prod")
	sam deploy $(ARGS)

clean: ## remove what was built; data (.local) and the engine (.tools) stay
	rm -rf build
