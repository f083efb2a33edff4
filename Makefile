# Everything a contributor does, one word each. Needs make and a Python 3.11 to 3.13; `make help` lists the words.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Test processes at a time; JOBS=0 runs them in one, which is best for a debugger.
JOBS ?= auto
# Minutes of chaos that `make proof` runs on each database.
MINUTES ?= 30
# What pytest runs and how, as in: make test ARGS="tests/store -k lease"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install pages demo test check format bench proof lock clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

install: $(STAMP) pages ## make .venv with all that is needed, exactly as locked, and the pages; instant when up to date

$(STAMP): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: make install PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

pages: $(STAMP) # build the pages, if their sources changed
	@$(BIN)/python hatch_build.py

demo: install ## start onward with its demo jobs
	$(BIN)/onward demo

test: install ## the tests, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)

check: install ## format, lint, types, floors and habits
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py check
	$(BIN)/python -m pytest -q tests/house

format: install ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --exit-zero .

bench: install ## the benchmarks; results lie beside them
	$(BIN)/python -m benchmarks $(ARGS)

proof: install ## the long proof, MINUTES of chaos on each database and all else at length: two hours or more
	$(BIN)/python -m chaos.proof --minutes $(MINUTES) $(ARGS)
	$(BIN)/python -m pytest -s --timeout=7200 tests/simulation tests/chaos tests/server -m slow
	$(BIN)/python docs/generate.py

lock: install ## choose newest versions that fit and write requirements/dev.txt
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--overrides requirements/overrides.txt --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
		--upgrade --quiet --output-file requirements/dev.txt

clean: ## remove what was made, but not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks chaos -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
