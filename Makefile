# Needs make and Python 3.11 or newer with venv; everything else lands in .venv. Another interpreter: make PYTHON=python3.13 …
# .venv belongs to the first version that was used, and one named later gets a folder beside it, such as .venv-3.13.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv
ifneq ($(PYTHON),)
  ifeq ($(call version,$(PYTHON)),) # not on PATH, or a shim that leads nowhere: perhaps it lies where pyenv or uv put it
    override PYTHON := $(or $(shell $(or $(wildcard .venv/bin/python),python3) -m tools.pythons $(PYTHON) 2>/dev/null),$(PYTHON))
  endif
endif
ifneq ($(and $(PYTHON),$(wildcard .venv/bin/python)),)
  ifneq ($(call version,$(PYTHON)),$(call version,.venv/bin/python))
    VENV := .venv-$(call version,$(PYTHON))
  endif
endif
NAMED := $(PYTHON)
PYTHON ?= python3
BIN := $(VENV)/bin
DOCS := .venv-docs
TYPES := .venv-types
# With uv where it can be had, in a fraction of pip's time, and with pip elsewhere; UV=… names one that is not on PATH.
INSTALL = UV="$(UV)" $(BIN)/python -m tools.install
# what `make demo` and `make dev` run in: all of it where it is there, else what they need
RUNNABLE = $(firstword $(wildcard $(VENV)/.installed) $(VENV)/.demo)
PROJECT := pyproject.toml hatch_build.py handlers/pyproject.toml
# Many tests wait for processes: two at a time for each core; who shares what is started stays together (tests/spread.py).
SPREAD = --numprocesses $$($(BIN)/python -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))') --no-loadscope-reorder
# What `make coverage` leaves out: CONTRIBUTING.md says why. Two tests do not bear it: coverage.py puts a function of its own in the
# place of os._exit, and imports multiprocessing in a child before the child says what its __main__ is.
BEYOND_UNITS := chaos engines figures generators packaging pictures processes simulation stops
UNTRACED := a_child_that_ends_in_the_middle_says_how
UNITS = tests $(BEYOND_UNITS:%=--ignore=tests/%) $(UNTRACED:%=--deselect=tests/children/test_calls.py::test_%)
# What looks for minutes at daemons that do nothing: beside all the others, on engines of its own.
IDLE := tests/figures/test_idle.py tests/figures/test_idle_index.py
SEEDS ?= 300
N ?= 200
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo dev test test-processes stops stops-here check coverage types docs golden engines api bench bench-compare simulate chaos pictures lock release clean

help: ## show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.installed ## create .venv, or .venv-3.13 for a second PYTHON, with the tested versions

demo: $(RUNNABLE) ## run two jobs through an embedded AWS, print their story, stop
	$(BIN)/cqworker demo

dev: $(RUNNABLE) ## run the daemon on an embedded AWS until Ctrl-C
	$(BIN)/cqworker dev

test: $(VENV)/.installed ## run the tests that need nothing but Python; every promise is among them
	$(BIN)/python -m pytest $(SPREAD) $(TESTS)

test-processes: $(VENV)/.installed ## run the tests of many processes, of what other tests show in one
	$(BIN)/python -m pytest -m processes $(SPREAD)

stops: $(VENV)/.installed ## stop real daemons N times each on every Python found (or PYTHON), amid work
	@for python in $(or $(NAMED),$$($(BIN)/python -m tools.pythons)); do \
	  $(MAKE) --no-print-directory PYTHON="$$python" stops-here || failed=1; \
	done; test -z "$$failed"

stops-here: $(VENV)/.installed
	@$(BIN)/python -m tests.stops --stops $(N)

check: $(VENV)/.installed ## lint, format, types, import floors, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_sizes

types: $(VENV)/.installed $(TYPES)/.locked ## say which share of what is public has a type that no checker has to guess
	$(BIN)/python -m tools.type_completeness $(TYPES)/bin/pyright

coverage: $(VENV)/.installed ## run the tests of units, and say which share of cqworker they have run, branch by branch
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SPREAD) $(or $(TESTS),$(UNITS))
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: $(DOCS)/.locked ## make a site of docs/ and the docstrings in build/docs; a broken link fails it
	$(DOCS)/bin/python -m tools.docs_site build/docs-pages
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict
	@echo "read it at http://127.0.0.1:8000: $(DOCS)/bin/python -m http.server -b 127.0.0.1 -d build/docs"

golden: $(VENV)/.installed ## write tests/golden/files anew: what others build on, such as the API and the log
	$(BIN)/python -m tests.golden

engines: $(VENV)/.installed ## fetch DynamoDB Local, ElasticMQ and versitygw, run the tests that need them
	$(BIN)/python -m tests.engines --fetch
	@idle=$$(mktemp); $(BIN)/python -m pytest -m engines $(IDLE) >$$idle 2>&1 & waiting=$$!; \
	trap 'kill $$waiting; rm -f $$idle; exit 130' INT TERM; \
	$(BIN)/python -m pytest -m engines $(IDLE:%=--ignore=%); code=$$?; \
	wait $$waiting || code=1; cat $$idle; rm -f $$idle; exit $$code

api: $(VENV)/.installed ## generate clients in three languages from the API's description, compile and use them
	$(BIN)/python -m tests.generators

bench: $(VENV)/.installed ## measure what a job costs, beside other workers (BENCH=quick: two minutes, not ten)
	$(BIN)/python -m bench.run $(if $(filter quick,$(BENCH)),--quick)

bench-compare: $(VENV)/.installed ## compare the CPU time of a job with that of BASE, a commit
	@test -n "$(BASE)" || { echo "name what to compare with: make bench-compare BASE=HEAD~1"; exit 2; }
	@$(BIN)/python -m bench.compare $(BASE) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LIMIT),--limit $(LIMIT))

simulate: $(VENV)/.installed ## run SEEDS simulated worlds of faults, and the mutants that prove it can fail
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)
	$(BIN)/python -m tests.simulation --mutants --seeds 400

chaos: $(VENV)/.installed ## kill, freeze and starve real workers on the real engines
	$(BIN)/python -m tests.engines --fetch
	$(BIN)/python -m tests.chaos

pictures: $(VENV)/.installed ## judge image.grayscale on 2,000 pictures of Pillow's tests by libvips (fetches both)
	$(BIN)/python -m tools.pictures

lock: ## choose newer versions for the locks (needs uv)
	$(LOCK) --upgrade pyproject.toml --extra aioboto3 --output-file requirements.lock
	$(LOCK) --upgrade pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --group demo --constraint requirements-dev.lock --output-file requirements-demo.lock
	printf 'openapi-python-client\n' | $(LOCK) --upgrade - --output-file tests/generators/python/requirements.lock
	printf 'hatchling\n' | $(LOCK) - --constraint requirements-dev.lock --output-file requirements-build.lock
	$(LOCK) --upgrade --group pyproject.toml:docs --constraint requirements-dev.lock --output-file requirements-docs.lock
	printf 'pyright[nodejs]\n' | $(LOCK) --upgrade - --output-file requirements-types.lock
	printf 'uv\n' | $(LOCK) --upgrade - --output-file requirements-uv.lock

release: $(VENV)/.installed ## commit VERSION with its section of the CHANGELOG, build wheel and sdist; publish nothing
	@test -n "$(VERSION)" || { echo "name the version, newer than the last: make release VERSION=0.2.0"; exit 2; }
	@$(BIN)/python -m tools.release $(VERSION)

clean: ## remove .venv and everything the tools left behind
	rm -rf .venv .venv-* build dist demo-output .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: $(VENV)/.locked $(PROJECT)
	@$(INSTALL) --project
	@touch $@

$(VENV)/.locked: requirements-dev.lock | $(BIN)/python
	@echo "installing the tested versions into $(VENV)"
	@$(INSTALL) --compile requirements-dev.lock
	@touch $@

$(VENV)/.demo: requirements-demo.lock $(PROJECT) | $(BIN)/python
	@echo "installing what the demo needs into $(VENV)"
	@$(INSTALL) --project requirements-demo.lock
	@touch $@

$(DOCS)/.locked: requirements-docs.lock | $(BIN)/python
	@echo "installing what the docs need into $(DOCS)"
	@$(BIN)/python -m venv $(DOCS)
	@UV="$(or $(UV),$(wildcard $(VENV)/uv/bin/uv))" $(DOCS)/bin/python -m tools.install requirements-docs.lock
	@touch $@

$(TYPES)/.locked: requirements-types.lock | $(BIN)/python
	@echo "installing pyright into $(TYPES)"
	@$(BIN)/python -m venv $(TYPES)
	@UV="$(or $(UV),$(wildcard $(VENV)/uv/bin/uv))" $(TYPES)/bin/python -m tools.install requirements-types.lock
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cqworker needs Python 3.11 or newer as $(PYTHON); name another one: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot create virtual environments here; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
