# Targets for people and for CI. TAGS and CGO_CFLAGS belong to every build: the
# daemon checks at start that SQLite has the features they turn on.
TAGS := sqlite_fts5,sqlite_preupdate_hook,sqlite_math_functions,sqlite_stat4,sqlite_vtable,sqlite_column_metadata,sqlite_dbstat,sqlite_percentile
export GOFLAGS := -tags=$(TAGS)
export CGO_CFLAGS := -O2 -g -DHAVE_FDATASYNC=1
export CGO_ENABLED := 1

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)
BIN := bin/dotdo-proxy
SYSTEM ?=
BENCH ?=
FUZZTIME ?= 10s
ROUNDS ?= 20

.PHONY: build run test check race fuzz bench conformance gen tour crash deps clean

build: ## bin/dotdo-proxy
	go build -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/dotdo-proxy

run: build ## build and serve on the embedded defaults
	$(BIN) serve

deps: ## clients and libraries that the tests use; needs root for the first part
	test/deps.sh

check: ## format, vet, staticcheck, house rules
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	go vet ./...
	GOFLAGS= go build -C tools -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	go test ./test/arch

test: deps build ## everything: Go tests, conformance with the original SDKs, tour, crash
	test/all.sh

race: ## Go tests under the race detector
	go test -race ./backend/... ./protocol/... ./shard/... ./cmd/...

fuzz: ## every fuzz target for FUZZTIME
	test/fuzz.sh $(FUZZTIME)

conformance: build ## unmodified SDKs; SYSTEM=redis runs one
	test/conformance/run.sh $(SYSTEM)

tour: build ## the README's tour
	test/tour/run.sh

crash: build ## ROUNDS of kill -9 under writes through all wires
	go test -count=1 -timeout=30m ./test/crash -rounds=$(ROUNDS)

bench: build ## beside PostgreSQL, MariaDB, Redis, nats-server; writes docs/benchmarks.md. SYSTEM=redis runs one part, BENCH="-rounds 1 -seconds 1" is quick
	go run ./test/bench $(if $(SYSTEM),-only $(SYSTEM)) $(BENCH)

gen: ## tables generated from skip.txt
	go run ./test/gen

clean:
	rm -rf bin
