# The ways to try, test and check syncd; each makes its own virtual environment first.
# Needs python3 (3.11 or later), python3-venv and make.

PYTHON ?= python3
VENV ?= .venv
# More than processors: many tests wait for processes of their own.
WORKERS ?= 4
BIN = $(VENV)/bin
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

# Where each point is a fault of its own, on a real Odoo.
FAULTS = $(addprefix tests/odoo/test_,odoo_crash.py killed.py answers.py)

# Invoice lines of a real shop, for check-data, bench and the slice that the tests use.
SYNCD_RETAIL_DATA ?= ../shared/data/online_retail.csv.xz
export SYNCD_RETAIL_DATA

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-crash test-odoo test-odoo-crash lint format check-data bench bench-odoo examples clean

help:
	@echo 'make demo        sync made-up invoices into ./syncd-demo and show what happens'
	@echo 'make test        run the tests (WORKERS=$(WORKERS), ARGS="-k word" for some of them)'
	@echo 'make test-crash  stop syncd dead at every point there is (make test: at each seventh)'
	@echo 'make test-odoo   try the Odoo connector on real servers, which it installs and starts'
	@echo 'make test-odoo-crash  stop syncd, or kill Odoo, at every point there is: two hours'
	@echo 'make lint        formatter, linter and type checker'
	@echo 'make format      put the code into the formatter'\''s shape'
	@echo 'make check-data  compare a ledger of real data with its raw file (SYNCD_RETAIL_DATA)'
	@echo 'make bench       measure on the same data, beside other ways to do it'
	@echo 'make bench-odoo  measure on a real Odoo, beside a client that makes one call per record'
	@echo 'make examples    write config.example.toml and docs/problems.md anew'
	@echo 'make clean       remove what make made'

demo: $(VENV)/.installed
	@$(BIN)/syncd demo

test: $(VENV)/.installed-test
	@CRASH_EVERY=$${CRASH_EVERY:-7} $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-crash: $(VENV)/.installed-test
	@CRASH_EVERY=$${CRASH_EVERY:-1} $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/crash

# Two tests at a time, for the two servers do most of the work. They go on running; tests/odoo/server/stop stops them.
# ODOO_SERIES=14 or latest tries one of the two.
test-odoo: $(VENV)/.installed-test
	@ODOO_REQUIRED=1 CRASH_EVERY=$${CRASH_EVERY:-11} $(BIN)/python -m pytest -n 2 --dist worksteal -m odoo tests/odoo $(ARGS)

test-odoo-crash: $(VENV)/.installed-test
	@ODOO_REQUIRED=1 CRASH_EVERY=$${CRASH_EVERY:-1} $(BIN)/python -m pytest -n 2 --dist worksteal -m odoo $(FAULTS) $(ARGS)

lint: $(VENV)/.installed-lint
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

format: $(VENV)/.installed-lint
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

check-data: $(VENV)/.installed-test
	@$(BIN)/python -m tests.check_data "$$SYNCD_RETAIL_DATA"

bench: $(VENV)/.installed-bench
	@$(BIN)/python -m bench "$$SYNCD_RETAIL_DATA"

# Takes most of an hour; ARGS="--limit 300 --only one" for less. The server of the tests goes on running.
bench-odoo: $(VENV)/.installed-bench-odoo
	@$(BIN)/python -m bench.odoo "$$SYNCD_RETAIL_DATA" $(ARGS)

# Written beside and moved, so that a failing generator leaves the old file alone.
examples: $(VENV)/.installed
	@$(BIN)/python -m syncd.settings > config.example.toml.new || { rm -f config.example.toml.new; exit 1; }
	@mv config.example.toml.new config.example.toml
	@mkdir -p docs
	@$(BIN)/python -m syncd.problems > docs/problems.md.new || { rm -f docs/problems.md.new; exit 1; }
	@mv docs/problems.md.new docs/problems.md
	@echo 'Written: config.example.toml, docs/problems.md'

clean:
	rm -rf $(VENV) dist syncd-demo .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# One stamp for each set of packages; only pyproject.toml and constraints.txt make it out of date.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "syncd needs Python 3.11 or later, and $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo 'Making the virtual environment $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'Installing syncd into $(VENV) (once, up to a minute)'
	@$(INSTALL) .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo 'Installing what the tests need'
	@$(INSTALL) '.[test]'
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed
	@echo 'Installing formatter, linter and type checker'
	@$(INSTALL) '.[test,lint]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@echo 'Installing what is measured against'
	@$(INSTALL) '.[bench]'
	@touch $@

$(VENV)/.installed-bench-odoo: $(VENV)/.installed
	@echo 'Installing what is measured against'
	@$(INSTALL) '.[bench-odoo]'
	@touch $@
