# Concord: `make demo` shows it, `make test` proves it. Everything lives in .venv; nothing outside is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
SLOW   ?=

.PHONY: install demo test lint format lock wheel clean help
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

install: $(VENV)/.installed  ## set up .venv from requirements.lock

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Concord needs Python 3.11 or later; {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install  ## plan the demonstration company and serve its three graphs (ARGS="--no-serve" to end after the summary)
	@$(BIN)/python -m app demo $(ARGS)

test: install  ## the tests (SLOW=1 adds the long ones)
	@SLOW=$(SLOW) $(BIN)/python -m pytest $(ARGS)

lint: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
	sed -i '1i # Every dependency, pinned with the hashes of its files; `make lock` renews it.' requirements.lock

wheel: install  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## remove .venv and all caches
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
