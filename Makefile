# Heliograph: everything that one does with a checkout. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA := $(or $(HELIOGRAPH_DATA_DIR),data)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-input
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --build-deps-for editable

# Many containers forbid Python to keep what it compiled: then each of the programs that tests start compiles all anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench docs site lock audit sbom wheel compiled clean

help: ## List what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Set up and start the gateway with the sandbox carrier, a test key and a curl line
	$(BIN)/heliograph serve --demo --data-dir "$(DATA)"

test: $(VENV)/.dev ## Set up and run all tests, PostgreSQL ones included
	$(BIN)/python -m pytest -q -n 6 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev sbom ## Check style, format, types, lock files, licences and known faults; list what ships
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m checks.lock
	$(BIN)/python -m checks.audit || [ $$? -eq 3 ]  # 3: nobody could be asked, which it says

format: $(VENV)/.dev ## Put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## Measure throughput, CPU and latencies on this machine
	$(BIN)/python -m bench

docs: $(VENV)/.dev ## Write the generated reference pages again
	$(BIN)/python -m docs.generate

site: $(VENV)/.dev ## Build the documentation as a site, which the gateway then serves at /docs/guide
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

lock: $(VENV)/.dev ## Choose the versions of all dependencies again
	$(COMPILE) --upgrade --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --upgrade --no-annotate --extra dev --constraint requirements/run.txt \
		--output-file requirements/dev.txt pyproject.toml

audit: $(VENV)/.dev ## Ask what is known against the locked versions; needs a network
	$(BIN)/python -m checks.audit

sbom: $(VENV)/.dev ## List what ships, as CycloneDX
	@mkdir -p dist
	$(BIN)/python -W ignore -m cyclonedx_py requirements requirements/run.txt --pyproject pyproject.toml \
		--output-reproducible -o dist/sbom.cdx.json

wheel: $(VENV)/.dev ## Build what is installed elsewhere
	$(BIN)/python -m hatchling build -t wheel -d dist

compiled: $(VENV)/.dev ## Build the wheel with its hot path as machine code, and .compiled, an environment with it
	rm -rf dist/compiled
	HELIOGRAPH_COMPILED=1 $(BIN)/python -m hatchling build -t wheel -d dist/compiled
	$(BIN)/python -m venv .compiled
	.compiled/bin/python -m pip --disable-pip-version-check install --quiet --no-input --require-hashes -r requirements/dev.txt
	.compiled/bin/python -m pip --disable-pip-version-check install --quiet --no-input --force-reinstall --no-deps \
		dist/compiled/*.whl

clean: ## Remove the environment and all caches; data stay
	rm -rf $(VENV) .compiled .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

# The environment: made once, filled again whenever a lock file changes.

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Heliograph needs Python 3.11 or newer; name another one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "This Python can't make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
