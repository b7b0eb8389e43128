# Every target sets up what it needs by itself, on Debian 12 or later, as root or with sudo; a second run finds all done.
# PYTHON=…      another Python than the first of 3.11 or later
# PYTEST_ARGS=… for example PYTEST_ARGS="tests/unit -x"
# ROUNDS=… SEED=… LABS=… for make chaos: how many rounds, made from what, in how many labs at the same time
# RULES=…       rules of docs/reference/compliance.md, for example RULES="3 27"
MAKEFLAGS += --no-print-directory
PYTEST_ARGS ?=
RULES ?=
ROUNDS ?= 20
SEED ?= 1
LABS ?= 1
export PYTHON

.PHONY: help demo test check mutants chaos bench constraints clean packages venv asterisk node
.DEFAULT_GOAL := help

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

demo: packages venv asterisk ## place real calls through a real PBX, and show what was decided and recorded
	@.venv/bin/python -m lab.demo

# The domain is covered wholly, branches included, or the target fails; pytest's closing line stays the last.
test: packages venv asterisk node ## run every test, the real Asterisk and the real PostgreSQL included
	@if test -n "$(PYTEST_ARGS)"; then .venv/bin/python -m pytest $(PYTEST_ARGS); else lab/setup/tests; fi
	@test -n "$(PYTEST_ARGS)" || .venv/bin/coverage report --show-missing --fail-under=100 >.venv/coverage.txt || \
		{ cat .venv/coverage.txt; echo "controller/domain is not covered wholly"; exit 1; }

check: packages venv ## lint, format, types, and who may import whom
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

mutants: packages venv asterisk ## take each rule of the law out of a copy of the code, and see that a test notices
	@.venv/bin/python -m lab.mutants $(RULES)

chaos: packages venv asterisk ## make faults at random moments during random calls, and see that no rule is broken
	@.venv/bin/python -m lab.chaos --rounds $(ROUNDS) --seed $(SEED) --labs $(LABS)

bench: packages venv asterisk ## measure, under a load of 200 calls
	@lab/setup/debian-packages tests
	@.venv/bin/python -m lab.bench

constraints: packages venv ## choose the newest versions of all dependencies and write constraints.txt
	@lab/setup/constraints

clean: ## remove what was made here; the Asterisk in the cache folder stays
	@rm -rf .venv lab/node/node_modules screenshots build *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

packages:
	@lab/setup/debian-packages

venv: packages
	@lab/setup/venv

asterisk: packages
	@lab/setup/asterisk

node:
	@lab/setup/debian-packages tests
	@lab/setup/node
