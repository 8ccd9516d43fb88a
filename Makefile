# On a fresh machine with python3 (3.11 or later) and cargo: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
ZKEVM_DEMO ?= fixtures/erc20_solidity_transfer.json
BIN := $(VENV)/bin
NATIVE_SOURCES := $(shell find native -name '*.rs' -o -name 'Cargo.*' 2>/dev/null | grep -v /target/)

.PHONY: demo test test-all lint format bench gadgets audit clean

demo: $(VENV)/.installed
	@mkdir -p build
	$(BIN)/zkevm prove $(ZKEVM_DEMO) -o build/demo-proof.json
	$(BIN)/zkevm verify build/demo-proof.json

test: lint
	$(BIN)/pytest -n auto --dist worksteal -m "not slow"
	cd native && cargo test --quiet --no-default-features

test-all: lint
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n auto --dist worksteal
	cd native && cargo test --quiet --no-default-features

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/line_budget.py
	cd native && cargo fmt --check
	cd scripts/compare && cargo fmt --check
	cd native && cargo clippy --all-targets -- -D warnings

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd native && cargo fmt
	cd scripts/compare && cargo fmt

bench: $(VENV)/.installed-dev
	$(BIN)/python scripts/bench.py

gadgets: $(VENV)/.installed-dev
	$(BIN)/python scripts/gadget_costs.py

audit: $(VENV)/.installed-dev
	$(BIN)/python scripts/audit.py

clean:
	rm -rf $(VENV) build native/target scripts/compare/target zkevm/_native.*.so

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(NATIVE_SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(NATIVE_SOURCES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed
