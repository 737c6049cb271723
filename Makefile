# Three commands: `make build`, `make demo`, `make test`. Needed on the machine: Rust 1.94 or newer with a C
# compiler, Python 3.11 or newer, and Node 20.19 or newer with npm. Everything else is fetched from crates.io,
# PyPI and npm.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV   := .venv
BIN    := $(CURDIR)/$(VENV)/bin
WEB    := service/portal/web
PAGE   := $(WEB)/dist/index.html
CHECKS := service/portal/checks
# The same interpreter for every cargo call, so that the bindings are not rebuilt back and forth.
export PYO3_PYTHON := $(BIN)/python
export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help build engine client page demo test bench lint-rust test-rust lint-python test-python test-typescript \
        test-portal load story test-browser pictures deny fuzz format clean

help:  ## what can be made
	@awk -F':.*##' '/^[a-z-]+:.*##/ { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- build ---------------------------------------------------------------------------------------------------

build: engine client  ## release target/release/vdl, and .venv whose Python imports crandas
	@echo "built: target/release/vdl, $(VENV)/bin/python (import crandas)"

# Both at once, with maturin's features and, once there is one, its description of the interpreter:
# maturin then finds every dependency built as it wants it.
engine: $(VENV)/ready page
	@config=$$(ls $(CURDIR)/target/maturin/pyo3-config-*-abi3.txt 2>/dev/null | head -n 1 || true); \
	set -x; $${config:+env PYO3_CONFIG_FILE=$$config} cargo build --release --locked \
	  -p vdl -p crandas-bindings --features pyo3/abi3-py311,pyo3/extension-module

# The page goes into the binary. Where it was not built, `vdl portal` says so in its place.
page:  ## the portal's page, where Node is there
	@if node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' \
	    2>/dev/null && command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory $(PAGE); \
	else \
	  echo "no Node 20.19 or newer with npm here: vdl is built without the portal's page"; \
	fi

$(PAGE): $(WEB)/node_modules/ready $(shell find $(WEB)/src $(WEB)/public $(WEB)/*.* -type f 2>/dev/null)
	cd $(WEB) && npm run --silent build -- --logLevel warn
# Cargo knows the files that it embedded, and not those that came later.
	@touch service/portal/src/page.rs

client: $(VENV)/ready
	cd crandas && VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked --quiet >/dev/null

# Debian ships Python without ensurepip; `virtualenv` and `uv` do as well.
$(VENV)/ready: crandas/requirements-dev.txt
	@command -v cargo >/dev/null || { echo "make: cargo not found; install Rust from https://rustup.rs" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: Python 3.11 or newer is needed; say which with PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/pip || rm -rf $(VENV)
	@test -x $(BIN)/pip \
	  || $(PYTHON) -m venv $(VENV) 2>/dev/null \
	  || { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV) 2>/dev/null; } \
	  || { rm -rf $(VENV); command -v uv >/dev/null && uv venv -q --seed --python $(PYTHON) $(VENV); } \
	  || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment;" \
	         "on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r crandas/requirements-dev.txt
	@touch $@

# --- demo ----------------------------------------------------------------------------------------------------

demo: build  ## the whole story on real data, two clusters on this machine, under a minute
	@$(BIN)/python examples/demo.py

bench: build  ## what the main job takes on this machine, beside what it is held to
	@$(BIN)/python bench/figures.py

# --- test ----------------------------------------------------------------------------------------------------

test: build lint-rust lint-python deny test-rust test-typescript test-python test-portal test-browser  ## all tests and all lints
	@echo "make test: everything passed"

lint-rust:  ## rustfmt and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

# One profile for everything that `make` builds, so that no dependency is built twice; it keeps overflow checks.
# nextest runs tests side by side over all crates; plain cargo does where it is not installed.
test-rust: $(VENV)/ready postgres  ## Rust tests, the dependency-edge test among them
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --release --locked --workspace --no-fail-fast; \
	else \
	  echo "cargo-nextest is not installed: using cargo test"; \
	  cargo test --release --locked --workspace --quiet --no-fail-fast; \
	fi

# The portal's tests run on a real PostgreSQL too; they say so loudly where there is none.
.PHONY: postgres
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else \
	    echo "PostgreSQL is not installed: the portal is NOT tested on it (Debian: apt-get install postgresql)"; \
	  fi; \
	fi

lint-python: build  ## ruff, and mypy --strict on the package
	$(BIN)/ruff check crandas examples bench fuzz $(CHECKS)
	$(BIN)/ruff format --check crandas examples bench fuzz $(CHECKS)
	cd crandas && $(BIN)/mypy --strict python/crandas

test-python: build  ## Python tests and the notebooks, embedded and against three processes
	cd crandas && VDL=$(CURDIR)/target/release/vdl $(BIN)/python -m pytest -q

# Shares no code with the servers: what it concludes from the vectors, they must have written.
test-typescript: $(WEB)/node_modules/ready  ## the page's own library: types, and the vectors read once more
	cd $(WEB) && npm run --silent check && npm run --silent test

# Made-up requests to a real portal, and a search for what must be nowhere in it. VDL_EXAMPLES=200 makes up more.
test-portal: build story  ## the portal as a whole, over TLS, with real servers
	VDL=$(CURDIR)/target/release/vdl $(BIN)/python -m pytest -q $(CHECKS)

load: build story  ## how long people wait for the portal when many ask at once
	@VDL=$(CURDIR)/target/release/vdl $(BIN)/python $(CHECKS)/load.py

# Everybody's part of a story at the portal, with the page's own code.
story: $(WEB)/node_modules/ready
	cd $(WEB) && npx tsc --project tsconfig.test.json

# Five people, three servers and the portal, each person in a browser; analysts with crandas.
test-browser: build $(WEB)/node_modules/ready chromium  ## the portal's whole story in a real browser
	@if [ -n "$$(ls $(CHROMIUMS) 2>/dev/null)" ]; then \
	  cd $(WEB) && VDL=$(CURDIR)/target/release/vdl PYTHON=$(BIN)/python npm run --silent e2e; \
	fi

# Where there is no browser, the pages are not tested, and that is said loudly.
CHROMIUMS := $(CHROMIUM) /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome
.PHONY: chromium
chromium:
	@if [ -z "$$(ls $(CHROMIUMS) 2>/dev/null)" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -qi '^ID=debian' /etc/os-release; then \
	    apt-get update -qq \
	      && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else \
	    echo "Chromium is not installed: the portal's pages are NOT tested" \
	         "(Debian: apt-get install chromium; elsewhere: CHROMIUM=/path/to/chrome make test)"; \
	  fi; \
	fi

pictures: build $(WEB)/node_modules/ready  ## the screenshots of the documentation, taken anew
	cd $(WEB) && VDL=$(CURDIR)/target/release/vdl PYTHON=$(BIN)/python npm run --silent pictures

$(WEB)/node_modules/ready: $(WEB)/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null \
	  || { echo "make: node and npm not found; install Node 20.19 or newer from https://nodejs.org" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' \
	  || { echo "make: Node 20.19 or newer is needed; this is $$(node --version)" >&2; exit 1; }
	cd $(WEB) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# The advisory data base is not fetched: what is checked here is what the lock file says.
deny:  ## licences, banned crates and sources, where cargo-deny is installed
	@if cargo deny --version >/dev/null 2>&1; then \
	  cargo deny --offline check licenses bans sources; \
	else \
	  echo "cargo-deny is not installed: advisories and duplicate versions NOT checked"; \
	  echo "  (bans, licences and sources are checked by the tidy test all the same)"; \
	fi

# --- fuzzing -------------------------------------------------------------------------------------------------

FUZZ_TARGETS ?= audit column_type command envelope frame parcel policy request revocation script shares
FUZZ_SECONDS ?= 60

# Seeds are made from the vectors; `python3 fuzz/keep.py` afterwards keeps of a corpus what is worth committing.
fuzz:  ## every decoder of outside bytes, FUZZ_SECONDS each; needs cargo-fuzz and a nightly compiler
	@cargo fuzz --version >/dev/null 2>&1 && cargo +nightly --version >/dev/null 2>&1 \
	  || { echo "make: \`cargo install cargo-fuzz --locked\`" \
	         "and \`rustup toolchain install nightly\` first" >&2; exit 1; }
	$(PYTHON) fuzz/seeds.py
	@for target in $(FUZZ_TARGETS); do \
	  cargo +nightly fuzz run --fuzz-dir fuzz $$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -dict=fuzz/words.dict -print_final_stats=1; \
	done

# --- the rest ------------------------------------------------------------------------------------------------

format:  ## rewrite all sources in the house style
	cargo fmt --all
	$(BIN)/ruff format crandas examples bench fuzz $(CHECKS)
	$(BIN)/ruff check --fix crandas examples bench fuzz $(CHECKS)

clean:  ## remove what was built
	cargo clean
	rm -rf $(VENV) $(WEB)/dist demo-data
