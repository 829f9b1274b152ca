# What a person at this checkout types. Each target does what it needs of the ones before it.

.PHONY: fuzz build-fuzz help setup setup-test setup-bench build build-asan run test lint bench clean

help:
	@echo 'make setup   install what a bare Debian lacks to build and run'
	@echo 'make build   build/souk'
	@echo 'make run     a shop with demo data on http://127.0.0.1:8080 (SOUK_LISTEN, SOUK_DATA)'
	@echo 'make test    every test, under the address and undefined behaviour sanitizers'
	@echo 'make crash   kill it a thousand times (CRASHES), with and without a power cut'
	@echo 'make fuzz    look for input that breaks it, for ten minutes a target (FUZZ_SECONDS)'
	@echo 'make lint    format, static analysis, the layers of the tree, plain text'
	@echo 'make bench   the figures of bench/README.md, measured on this machine (BENCH: its options)'
	@echo 'make clean   remove what was built; ./data stays'

setup:
	@scripts/setup run

setup-test:
	@scripts/setup run test fuzz

setup-bench:
	@scripts/setup run bench

build: setup
	@scripts/configure build -Dwerror=false
	@ninja -C build souk

build-asan: setup-test
	@scripts/configure build-asan -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
		-Dtests=enabled -Dbatches_twice=true -Dwerror=true
	@ninja -C build-asan

run: build
	@scripts/run-demo build/souk

build-fuzz: setup-test
	@scripts/build-fuzz build-fuzz

test: build-asan build-fuzz
	@scripts/test build-asan

crash: build-asan
	@scripts/node-modules
	@SOUK_BINARY=build-asan/souk CRASHES=$${CRASHES:-1000} node --test tests/kill.test.mjs

fuzz: build-fuzz
	@scripts/fuzz build-fuzz $${FUZZ_SECONDS:-600}

lint: setup-test
	@scripts/configure build-lint -Dwerror=true
	@scripts/lint build-lint

# make bench BENCH='--only product --compare bench/results/committed.json'
bench: setup-bench build
	@ninja -C build bench-programs
	@bench/run $(BENCH)

clean:
	rm -rf build build-asan build-fuzz tests/node_modules
