# Streamliner. `make` alone lists what can be made.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
SAMPLE := build/sample/sample-android.zip
SAMPLE_ARCHIVE := build/sample-archive

# a name on the PATH is not yet a Python that starts: pyenv leaves names that do not
FIND_PYTHON = for candidate in $${PYTHON:-} python3.11 python3.12 python3; do \
	"$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo "$$candidate" && exit; done; \
	echo "Python 3.11 or 3.12 is missing; install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1

# Debian as root: what is missing is installed. Elsewhere it is named, and what can run does.
ON_DEBIAN = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null
APT_INSTALL = export DEBIAN_FRONTEND=noninteractive; \
	apt-get install -y -q $(1) >build/apt.log 2>&1 \
	|| { apt-get update -q >build/apt.log 2>&1 && apt-get install -y -q $(1) >>build/apt.log 2>&1; } \
	|| { tail -5 build/apt.log >&2; echo "apt-get could not install: $(1)" >&2; exit 1; }
HAS_BROWSER = { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

.PHONY: help setup run stop test docker-test lint mutants lock bench site sample clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: .venv/.ready ## Set up the Python environment in .venv (quick when it is there)

.venv/.ready: requirements-dev.lock deployments/installer.lock pyproject.toml
	@python="$$($(FIND_PYTHON))"; \
	echo "Setting up .venv with $$("$$python" --version)"; \
	"$$python" -m venv .venv || { echo "On Debian the package python3.11-venv has what is missing." >&2; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r deployments/installer.lock
	@eval "$$($(BIN)/python deployments/indexes.py)"; \
	$(BIN)/uv pip install -q --python .venv --compile-bytecode --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install -q --python .venv --offline --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q flows tasks stages deployments  # a cold start does not compile
	@touch $@

run: setup ## Start the dashboard, publish the sample as a flow run, say where both are
	@$(BIN)/python -m deployments.local run

stop: ## Stop the dashboard that `make run` started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deployments.local stop; else echo "Nothing was started here."; fi

test: setup ## Run the tests, but for those that need a Docker engine
	@mkdir -p build; \
	select="not docker"; \
	if ! $(HAS_BROWSER); then \
	  if $(ON_DEBIAN); then echo "Installing chromium for the browser's tests"; $(call APT_INSTALL,chromium); \
	  else select="not docker and not browser"; \
	    echo "Chromium is missing: install it to run the browser's tests as well; the rest runs now."; fi; fi; \
	if ! command -v ip >/dev/null && $(ON_DEBIAN); then $(call APT_INSTALL,iproute2); fi; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "$$select"

docker-test: setup ## Run the sample through server, work pool, worker and container on a real Docker engine
	@mkdir -p build; \
	if ! $(BIN)/python -c 'import docker; docker.from_env().ping()' 2>/dev/null; then \
	  missing=""; \
	  command -v dockerd >/dev/null || [ -x /usr/sbin/dockerd ] || missing="docker.io"; \
	  command -v debootstrap >/dev/null || [ -x /usr/sbin/debootstrap ] || missing="$$missing debootstrap"; \
	  if [ -n "$$missing" ]; then \
	    if $(ON_DEBIAN); then echo "Installing $$missing"; $(call APT_INSTALL,$$missing); \
	    else echo "No Docker engine answers; start one, then try again." >&2; exit 1; fi; fi; fi; \
	$(BIN)/python -m pytest -m docker tests/docker

lint: setup ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

mutants: setup ## Change the code of windows in small ways and count the changes that no test notices (half an hour)
	@rm -rf mutants; $(BIN)/python -m mutmut run --max-children 2
	@$(BIN)/python -m mutmut results

lock: setup ## Make the lock files anew from pyproject.toml, with hashes and without index addresses
	@eval "$$($(BIN)/python deployments/indexes.py)"; unset UV_FIND_LINKS; \
	compile="$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --universal"; \
	$$compile deployments/installer.in -o deployments/installer.lock; \
	$$compile pyproject.toml -o requirements.lock; \
	$$compile pyproject.toml --all-extras -c requirements.lock -o requirements-dev.lock
	@if grep -nE '://' requirements.lock requirements-dev.lock deployments/installer.lock; \
	  then echo "A lock file names an address." >&2; exit 1; fi

bench: setup ## Measure at a million messages, or one set of workloads (make bench NAME=windows OPTIONS=--quick)
	@$(BIN)/python -m benchmarks $(NAME) $(OPTIONS)

sample: setup ## Make the sample chats in build/sample
	@$(BIN)/python -m samples build/sample

site: sample ## Publish the sample in this process, without a server, and say where its site is
	@$(BIN)/streamliner publish $(SAMPLE) --archive $(SAMPLE_ARCHIVE)

clean: stop ## Remove what was made here, but for .venv and archives of your own
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deployments.engine stop; fi
	@rm -rf build dist .prefect .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
