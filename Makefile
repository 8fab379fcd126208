# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
CACHE := $(or $(OTEL_FLOW_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/otel-flow)
BIN := .venv/bin

.PHONY: demo test lint stack backends clean

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/.installed  ## an example shop and what it sends, until Ctrl-C
	$(BIN)/otel-flow demo

test: .venv/.installed  ## run the tests
	$(BIN)/python -m pytest -q

lint: .venv/.installed  ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

backends:  ## build the native Collector, Prometheus, Jaeger and Loki into the cache
	$(PYTHON) tests/stack/build.py

stack: .venv/.installed  ## run Collector, Prometheus, Jaeger and Loki until Ctrl-C
	$(BIN)/python -m tests.stack

clean:  ## remove what the other targets made in the checkout
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
