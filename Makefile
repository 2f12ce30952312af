# Beatline. `make help` lists what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Three at a time, a file each: what a file makes for itself is made once, and who waits leaves a core to another. The slow ones need the machine to themselves.
SLOW = $(BIN)/python -m pytest -m slow
QUICK = $(BIN)/python -m pytest -m "not slow" -n 3 --dist loadfile
PORT ?= 8000
TOWN_PORT ?= 8001
COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate -p 3.11 -q

.PHONY: help setup setup-dev demo test test-all test-slow faults soak lint format lock check-lock screenshots clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: .venv/.run  ## a virtual environment with what running needs

.venv/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Beatline needs Python 3.11 or newer; this is %d.%d. Say which one to use: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup-dev: .venv/.dev  ## the same, with what testing needs

.venv/.dev: .venv/.run requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup  ## the invented force and its town on this machine
	@exec $(BIN)/beatline demo --port $(PORT) --town-port $(TOWN_PORT)

test: setup-dev  ## the default tests, under three minutes
	$(QUICK)

test-all: setup-dev  ## everything, the slow ones too: kill runs, compose, schemathesis, every browser
	$(QUICK)
	$(SLOW)

test-slow: setup-dev  ## the slow ones alone
	$(SLOW)

faults: setup-dev  ## each fault × each death, then 1,000 seeded runs; BEATLINE_FAULT_SEED=n replays one
	BEATLINE_FAULT_RUNS=$${BEATLINE_FAULT_RUNS:-1000} $(BIN)/python -m pytest -m slow tests/slow/test_fault_table.py tests/slow/test_fault_runs.py

soak: setup-dev  ## ten minutes of steady sending while things break; SOAK="--seconds 60 --rate 20"
	$(BIN)/python -m benchmarks.soak $(SOAK)

lint: setup-dev  ## ruff, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup-dev  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migration: setup-dev  ## NAME="what changes": the next migration
	$(BIN)/python -m migrations.make "$(NAME)"

lock: setup-dev  ## remake the two lock files
	$(COMPILE) --extra build -o requirements.lock
	$(COMPILE) --extra build --extra dev -o requirements-dev.lock

check-lock: setup-dev  ## the lock files hold what pyproject.toml asks for, and name no host
	@mkdir -p .cache && for kind in "requirements --extra build" "requirements-dev --extra build --extra dev"; do \
	  set -- $$kind; name=$$1; shift; cp $$name.lock .cache/$$name.lock; \
	  $(COMPILE) "$$@" -o .cache/$$name.lock || exit 1; \
	  cmp -s $$name.lock .cache/$$name.lock || { echo "$$name.lock is behind pyproject.toml: make lock"; exit 1; }; \
	  ! grep -nE 'https?://|--(extra-)?index-url|--find-links' $$name.lock || { echo "$$name.lock names a host"; exit 1; }; \
	done; echo "Both lock files are as pyproject.toml asks."

screenshots: setup-dev  ## remake the pictures under docs/
	$(BIN)/python -m tests.support.screenshots

clean:  ## everything that make made
	rm -rf .venv .data .cache *.egg-info .mypy_cache .ruff_cache .hypothesis
