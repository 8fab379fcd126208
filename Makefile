# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
# `make help` lists the rest.

# The first of these that is 3.11 or newer; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin

.PHONY: help demo test coverage fidelity chaos lint docs-check bench bench-quick peers picture stack backends pythons clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: PYTHON=/path/to/python make …"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

# The demo needs less than half of that, and nobody shall wait for the rest.
.venv/.demo: requirements-demo.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: PYTHON=/path/to/python make …"; exit 1; }
	@echo "installing what the demo needs into .venv, once"
	@$(PYTHON) -m venv .venv
	@$(PIP) --no-deps --no-compile --require-hashes -r requirements-demo.lock
	@$(PIP) --no-deps --no-compile --no-build-isolation --editable .
	@touch $@

demo: $(if $(wildcard .venv/.installed),.venv/.installed,.venv/.demo)  ## an example shop and what it sends, until Ctrl-C
	@$(BIN)/otel-flow demo

# In CI the tests are counted, and what is missing is a failure; on your machine what is
# missing is named and its tests are skipped.
ifeq ($(CI),true)
test: coverage  ## run all tests
else
test: .venv/.installed
	-$(BIN)/python tests/stack/build.py >/dev/null
	$(BIN)/python -m pytest -q
endif

coverage: .venv/.installed  ## run all tests and require 95 % of branches, subprocesses included
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

fidelity: .venv/.installed  ## the long matrices: servers, forks, versions
	$(BIN)/python -m pytest -q -m fidelity

chaos: .venv/.installed  ## long outages and random kills
	$(BIN)/python -m pytest -q -m chaos

lint: .venv/.installed  ## ruff, mypy, the import contracts, YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict docker-compose.yml collector

docs-check: .venv/.installed  ## links, commands and tables of README and docs
	$(BIN)/python -m pytest -q tests/docs

picture: .venv/.installed  ## render docs/demo.svg from a run of the demo
	$(BIN)/python docs/picture.py

bench: .venv/.installed  ## what telemetry costs, beside upstream, in one run (15 minutes)
	$(BIN)/python -m benchmarks.instructions
	$(BIN)/python -m benchmarks.micro
	$(BIN)/python -m benchmarks.log_events
	$(BIN)/python -m benchmarks.per_request

bench-quick: .venv/.installed  ## instructions of single calls beside the last kept ones (1 minute)
	$(BIN)/python -m benchmarks.instructions --quick

peers: .venv/.installed  ## the same beside EDOT, fastotel, logfire, ddtrace and Sentry (20 minutes)
	$(BIN)/python -m benchmarks.per_request --sqlalchemy 2.0 --rounds 5 --requests 1000 \
		--contenders bare upstream ours edot fastotel logfire ddtrace sentry

stack: .venv/.installed  ## Collector, Prometheus, Jaeger and Loki until Ctrl-C
	$(BIN)/python -m tests.stack

backends: .venv/.installed  ## build them into the cache (Go, about 40 minutes once)
	$(BIN)/python tests/stack/build.py

pythons: .venv/.installed  ## run the tests on every Python from 3.11 that is found
	$(BIN)/python -m tests.pythons

clean:  ## remove what the other targets made in the checkout
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist .coverage*
