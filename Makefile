# One command does all the set-up and then what its name says. Nothing but Python >= 3.11, make and a package index is needed.
.PHONY: demo test test-deep check lock setup clean help
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
QUIET := --quiet --disable-pip-version-check --no-input --no-warn-script-location

help:            ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY)  ## the environment, from the hashed lock files

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (once) ..."
	@./bin/find-python -m venv $(VENV)
	@$(BIN)/python -m pip install $(QUIET) --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)   ## one run on the embedded default with the sample world: cards, a table, what to look at next
	@$(BIN)/pacing demo

test: $(READY)   ## every test, at counts that fit 8 minutes on 2 cores
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder

test-deep: $(READY) ## the same tests at the counts of the acceptance lists
	@PACING_TEST_DEEP=1 $(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder --timeout 3600

check: $(READY)  ## what CI checks besides tests: ruff, mypy --strict, import directions
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

lock:            ## new lock files from pyproject.toml (needs uv on the PATH or in .venv)
	@for uv in $(BIN)/uv uv; do command -v $$uv >/dev/null && break; done; \
	$$uv pip compile pyproject.toml --extra local --extra google --extra meta --extra dv360 --extra narrator --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade -o requirements.lock; \
	echo uv | $$uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade -o requirements-uv.lock

clean:           ## removes the environment and what the embedded parts keep (not your settings)
	rm -rf $(VENV) .pacing .mypy_cache .ruff_cache .pytest_cache .hypothesis
