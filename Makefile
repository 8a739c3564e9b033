# Needs make and Python 3.11 or newer with venv; everything else lands in .venv. Another interpreter: make PYTHON=python3.13 …
PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 300
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo dev test check engines bench simulate chaos lock clean

help: ## show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.installed ## create .venv with the tested versions

demo: .venv/.installed ## run two jobs through an embedded AWS, print their story, stop
	$(BIN)/cqworker demo

dev: .venv/.installed ## run the daemon on an embedded AWS until Ctrl-C
	$(BIN)/cqworker dev

test: .venv/.installed ## run every test that needs nothing but Python
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: .venv/.installed ## lint, format, types, import floors, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_sizes

engines: .venv/.installed ## fetch DynamoDB Local, ElasticMQ and versitygw, run the tests that need them
	$(BIN)/python -m tests.engines --fetch
	$(BIN)/python -m pytest -m engines

bench: .venv/.installed ## measure what a job costs, beside other workers (BENCH=quick: two minutes, not ten)
	$(BIN)/python -m bench.run $(if $(filter quick,$(BENCH)),--quick)

simulate: .venv/.installed ## run SEEDS simulated worlds of faults, and the mutants that prove it can fail
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)
	$(BIN)/python -m tests.simulation --mutants --seeds 150

chaos: .venv/.installed ## kill, freeze and starve real workers on the real engines
	$(BIN)/python -m tests.engines --fetch
	$(BIN)/python -m tests.chaos

lock: ## choose newer versions for the locks (needs uv)
	$(LOCK) --upgrade pyproject.toml --extra aioboto3 --output-file requirements.lock
	$(LOCK) --upgrade pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	printf 'hatchling\n' | $(LOCK) - --constraint requirements-dev.lock --output-file requirements-build.lock

clean: ## remove .venv and everything the tools left behind
	rm -rf .venv build dist demo-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: .venv/.locked pyproject.toml hatch_build.py handlers/pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.locked: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cqworker needs Python 3.11 or newer as $(PYTHON); name another one: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot create virtual environments here; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "installing the tested versions into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@
