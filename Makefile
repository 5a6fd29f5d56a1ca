# `make run`: the whole system on this machine. `make test`: every check. Both set up what they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_FLAGS ?=

.PHONY: help run test faults bench setup
.DEFAULT_GOAL := help

help:
	@echo "make run     start the whole system, with a simulated phone at http://127.0.0.1:8001/"
	@echo "make test    run every check: lint, types, floors, tests"
	@echo "make faults  perform every fault on both databases, then a storm of random ones (about ten minutes)"
	@echo "make bench   measure the speed claims of docs/performance.md"

# `exec`, and `--with-parent`: when make ends, however it ends, the system stops.
run: $(VENV)/.installed
	@exec $(BIN)/gateway run --with-parent

test: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n 2 $(PYTEST_FLAGS)

# STORM_SECONDS (120) and STORM_SEED (a new one) may be set; the storm's tally is printed for each database.
faults: export FAULTS := all
faults: export STORM_SECONDS ?= 120
faults: export STORM_SEED ?= $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
faults: $(VENV)/.installed-dev
	$(BIN)/pytest tests/faults -m "not storm" -n 2 $(PYTEST_FLAGS)
	$(BIN)/pytest tests/faults/test_storm.py -q -s $(PYTEST_FLAGS)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

setup: $(VENV)/.installed-dev

# The first Python that is new enough and can make a virtual environment.
$(VENV)/.made:
	@for python in "$(PYTHON)" python3 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	      "$$python" -m venv $(VENV) && touch $@; exit $$?; \
	    fi; \
	    incomplete=$$python; \
	  fi; \
	done; \
	if [ -n "$$incomplete" ]; then \
	  echo "Passerelle needs Python's venv module, and $$incomplete has none: install it (apt-get install python3-venv)." >&2; \
	else \
	  echo "Passerelle needs Python 3.11 or 3.12, and there is none on PATH (python3 is: $$(python3 --version 2>&1))." >&2; \
	fi; \
	exit 1

$(VENV)/.installed: $(VENV)/.made requirements.txt pyproject.toml
	@echo "Installing what Passerelle needs into $(VENV) (once, about a minute)"
	@$(PIP) install --requirement requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing what the tests need"
	@$(PIP) install --requirement requirements-dev.txt
	@touch $@
