# The few things one does with onemap. `make` alone says what they are.
SHELL := bash -euo pipefail
.DELETE_ON_ERROR:
.PHONY: help run build web test lint bench bench-tiles fuzz soak demo

# Packages with goroutines of their own: their tests run with the race detector.
RACED := ./layers/... ./tiles/... ./internal/api/... ./internal/feed/... ./internal/live/...
WEB   := $(shell find web -type f -not -path 'web/dist/*' -not -path 'web/node_modules/*' -not -path 'web/test-results/*')

help: ## say what the targets are
	@sed -nE 's/^([a-z-]+):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: build ## build everything and serve the sample on http://localhost:8080
	./onemap serve --sample --simulate --data ./data

build: web ## build the front end and the binary ./onemap
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -o onemap ./cmd/onemap

web: web/dist/index.html.gz
# Not npm ci: it refuses a lock file that lacks optional packages of other platforms,
# which npm leaves out when its registry does not carry them. The versions are the lock's.
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm install --no-save --no-audit --no-fund --loglevel error && touch node_modules/.package-lock.json
web/dist/index.html.gz: web/node_modules/.package-lock.json $(WEB)
	cd web && npm run build

test: build ## run every test, as CI does (installs what is missing on Debian)
	.ci/install-test-deps
	$(MAKE) --no-print-directory lint
	go test -race $(RACED)
	go test $$(go list ./... | grep -vxFf <(go list $(RACED)))
	ONEMAP_TEST_STORE=postgis go test ./internal/api ./internal/live
	cd web && npm test && ONEMAP_E2E_BIN=$(CURDIR)/onemap npm run e2e
	ONEMAP_E2E_BIN=$(CURDIR)/onemap go run ./internal/pgtest/with ONEMAP_E2E_STORE npm --prefix web run e2e -- live explorer wall crowded

lint: web/node_modules/.package-lock.json ## check format and static analysis of Go and TypeScript
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not gofmt-ed:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...
	cd web && npm run lint && npm run check

bench: ## measure the stores, tiles and live delivery (docs/performance.md)
	go test -run '^$$' -bench . -benchtime 3s ./layers/gpkg ./layers/postgis/journal ./tiles/... ./internal/live
	go test -run '^$$' -bench . -benchtime 1x ./cmd/onemap
	$(MAKE) --no-print-directory bench-tiles

bench-tiles: ## measure tiles over HTTP beside PostGIS and constant bytes; flags in TILEBENCH, such as -help
	go run ./internal/tilebench -write docs/performance.md $(TILEBENCH)

fuzz: ## fuzz every parser of outside bytes, 30 s each, and the whole API for five minutes
	.ci/fuzz 30s 5m

soak: ## keep a server under load for an hour, killing it now and then, and compare what every reader saw
	.ci/soak 1h

demo: build ## run the flood drill once, from its beginning, against ./data
	./onemap simulate --scenario flood-drill --reset --data ./data
