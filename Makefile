# Every target works as the very first command in a fresh clone; `make` alone lists them.

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
TORCH   := torch==2.13.0
# The first interpreter that is new enough; set PYTHON=... to choose another.
PYTHON  ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with pumgpt and the development tools

demo: $(STAMP) ## Read a sample catalogue: a table, demo/results.jsonl and demo/report.html
	@$(BIN)/python scripts/demo.py

test: $(STAMP) ## Run the tests
	@$(BIN)/python -m pytest

lint: $(STAMP) ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Write the code as the style wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv, caches and what the demo left
	rm -rf $(VENV) .venv-akeneo demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests scripts experiments benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# PyTorch comes first and alone: a CPU build that pip is given (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL) then stays, and
# nothing else pulls in another one. The stamp is written last, so that an interrupted set-up is taken up again.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: PumGPT needs Python 3.11 or later, and none was found." \
		"Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: PumGPT needs Python 3.11" \
		"or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make setup PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(VENV); the first time this takes some minutes ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
