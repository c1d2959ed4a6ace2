# Every target first runs testenv/setup.sh, which installs missing programs and prints its commands.
#
#   make build             ./evergate
#   make demo              real servers behind the gateway, and a primary to kill; ARGS="--mode cluster" and others
#   make drills            every drill 10 times, and the worst case of each; ARGS="--mode cluster" and others
#   make soak              200 failovers in a row: memory, connections and goroutines before and after; FAILOVERS=20
#   make test              lint, 100,000 tries of each fuzz target, all tests, all tests under the race detector
#   make test SERVER=path  the same against another redis-server or valkey-server
#   make test-servers      the tests with servers, against this system's and newer ones: Redis 8 and Valkey 9
#   make lint              format, vet, staticcheck, known vulnerabilities, architecture, builds for other systems;
#                          VULNDB=file:///DIR where Go's database of vulnerabilities cannot be reached
#   make page-test         the page in a real Chromium, through a failover of real servers; part of make test
#   make bench             the gateway beside nutcracker, HAProxy and a bare relay; ARGS="-rounds 3", "-values" and others
#   make hostile           attacks from many sides beside well-behaved clients; MINUTES=1, ARGS="-only monitors"
#   make fuzz FUZZTIME=1h  every fuzz target for that long
#   make redis-suite       Redis's own tests, straight and through the gateway; ARGS="-verbose unit/multi" and others
#   make fuzz-redis        a million random commands, straight and through the gateway; ARGS="-seed 7" and others
#   make release           archives, packages, checksums and bills of materials in dist/; VERSION=v1.2.3
#   make release-test      a release, installed, started, upgraded and purged in a fresh Debian, as root
#   make compat            client libraries through the gateway while a primary dies; ARGS="-only ioredis" and others,
#                          "-maintenance failover" and "-maintenance restart" for those with default settings
#   make clean             removes everything that these targets built

SHELL := /bin/sh
SETUP := sh testenv/setup.sh
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

ifneq ($(SERVER),)
export REDIS_SERVER := $(if $(findstring /,$(SERVER)),$(abspath $(SERVER)),$(SERVER))
endif

ARGS ?=
FAILOVERS ?= 200
FUZZTIME ?= 10m
MINUTES ?= 10
VULNDB ?=
VERSION ?=
# The slowest package under the race detector needs half of this on two cores.
TIMEOUT ?= 12m
# Tests with servers mostly wait, so more of them run at once than there are processors; the longest begin first.
SERVED := go test -count 1 -p 3 -parallel 5 -timeout $(TIMEOUT)
LONG := ./testenv/e2e ./testenv/servers ./testenv/drill ./cmd/... ./topology/watch ./testenv/sim

.PHONY: build test page-test test-servers lint bench demo drills soak fuzz fuzz-redis hostile redis-suite compat release release-test clean

build:
	@$(SETUP) go
	CGO_ENABLED=0 go build -trimpath -o evergate ./cmd/evergate

demo: build
	@$(SETUP) server
	./evergate demo $(ARGS)

# 10 repetitions take an hour and a half.
drills: build
	@$(SETUP) server
	./evergate drill all --repeat 10 $(ARGS)

# A failover takes about four seconds.
soak:
	@$(SETUP) go
	@$(SETUP) server
	EVERGATE_FAILOVERS=$(FAILOVERS) go test -count 1 -v -timeout 0 -run '^TestManyFailoversLeaveNothingBehind$$' ./testenv/e2e

# Some end-to-end tests also run on the portable loop. Fast tests come first, and the race detector's round last, so that
# the last lines are go test's own. The rounds with servers do not use go test's cache, which does not know that
# testenv/servers builds and runs the gateway. The lint has no goroutines, and was run before.
test: lint
	@$(SETUP) compiler
	@$(SETUP) server
	@$(SETUP) python
	@$(SETUP) promtool
	go test -timeout $(TIMEOUT) ./gateway/resp ./gateway/worker ./routing ./topology ./topology/decide
	@$(MAKE) --no-print-directory fuzz FUZZTIME=100000x
	$(SERVED) $(LONG) ./...
	$(SERVED) -tags portable -run 'Compat|BadInput|Gateway|HalfClosed|ThatLeft' ./testenv/e2e
	@$(MAKE) --no-print-directory page-test
	$(SERVED) -race $(LONG) $$(go list ./... | grep -v /testenv/lint)

# The module of its own keeps the driver of the browser out of the gateway's dependencies.
page-test:
	@$(SETUP) go
	@$(SETUP) server
	@$(SETUP) browser
	go vet -C testenv/browser .
	go test -C testenv/browser -count 1 -timeout $(TIMEOUT) $(ARGS) .

# Each takes a quarter of an hour. All run, even if the first fails.
test-servers:
	@$(SETUP) go
	@$(SETUP) server
	@$(SETUP) python
	@sh testenv/servers.sh .cache/servers
	@failed=; for server in "$${REDIS_SERVER:-redis-server}" $(CURDIR)/.cache/servers/redis-server \
		$(CURDIR)/.cache/servers/valkey-server; do \
		"$$server" --version; \
		REDIS_SERVER=$$server $(SERVED) $(LONG) ./routing || failed="$$failed $$server"; \
	done; [ -z "$$failed" ] || { echo "failed with:$$failed"; exit 1; }

lint:
	@$(SETUP) go
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "gofmt -w $$unformatted"; exit 1; fi
	go vet ./...
	GOOS=darwin go vet ./...
	go tool staticcheck ./...
	sh testenv/vulnerabilities.sh $(VULNDB)
	go test ./testenv/lint
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./cmd/evergate
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./cmd/evergate

bench: build
	@$(SETUP) server
	@$(SETUP) rivals
	go run ./testenv/bench $(ARGS)

hostile:
	@$(SETUP) go
	@$(SETUP) server
	go run ./testenv/hostile -minutes $(MINUTES) $(ARGS)

redis-suite: build
	@$(SETUP) server
	@$(SETUP) tcl
	@sh testenv/suite/fetch.sh .cache/redis-suite
	go run ./testenv/suite -source .cache/redis-suite/redis $(ARGS)

# Differences must be on the list of testenv/twin/differs.txt.
fuzz-redis:
	@$(SETUP) go
	@$(SETUP) server
	go run ./testenv/twin $(ARGS)

compat: build
	@$(SETUP) server
	@$(SETUP) python
	@$(SETUP) node
	@$(SETUP) compiler
	@$(SETUP) clients
	go build -C testenv/clients/go -o ../../../.cache/compat/go-clients .
	cc -O1 -o .cache/compat/hiredis testenv/clients/c/with_hiredis.c -lhiredis || rm -f .cache/compat/hiredis
	go run ./testenv/compat $(ARGS)

# Before Go 1.27 a FUZZTIME in seconds can end in "context deadline exceeded" although nothing was found
# (golang/go#75804); make test counts executions instead.
# go test fuzzes one target of one package at a time; go test -list prints the targets, then their package. Two targets
# run at once, each with one worker.
fuzz:
	@$(SETUP) go
	@listed=$$(go test -list '^Fuzz' ./...) || { echo "$$listed"; exit 1; }; \
	echo "$$listed" | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' | \
	xargs -n 2 -P 2 sh -c 'echo "fuzzing $$2 of $$1 for $(FUZZTIME)"; \
		exec go test -run "^\$$" -fuzz "^$$2\$$" -fuzztime $(FUZZTIME) -parallel 1 "$$1" </dev/null' fuzz

release:
	@$(SETUP) go
	VERSION=$(VERSION) sh cmd/evergate/package/release.sh

# It needs root, debootstrap and Debian's mirror.
release-test:
	@$(SETUP) go
	sh testenv/release/test.sh

clean:
	rm -rf evergate bin dist .cache
	go clean -testcache
