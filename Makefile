# Start with `make train` and `make test`. Each target creates .venv if needed.
#   make train ARGS="optimizer=sgd model.width=256"     pass overrides to the command
#   make test PYTHON=python3.12                         choose the Python for .venv

# Candidates: the first that runs and is 3.11, 3.12 or 3.13 is used.
PYTHON ?= python3 python3.13 python3.12 python3.11
ARGS ?=
KIND ?=
NAME ?=
KEEP ?=
DROP ?=
FROM ?=
REF ?=
WORKERS ?= 2
UV_VERSION ?= 0.13.8

VENV := .venv
RUN := $(VENV)/bin/python
# Written last, so that an interrupted install is not mistaken for a complete one.
STAMP := $(VENV)/.installed
SUITABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
# uv, if available, installs the same pins several times faster; it gets the settings of pip's
# environment variables, too.
UV := $(shell command -v uv 2>/dev/null)
UV_WORDS = $(addprefix --find-links ,$(PIP_FIND_LINKS)) $(addprefix --index ,$(PIP_EXTRA_INDEX_URL)) \
  $(if $(PIP_EXTRA_INDEX_URL),--index-strategy unsafe-best-match)
PIP = $(if $(UV),$(UV) pip install --python $(RUN) --compile-bytecode $(UV_WORDS), \
  $(RUN) -m pip install --compile --disable-pip-version-check) --quiet --constraint requirements.lock
# One thread per worker: on small models two threads cost two to four times the CPU time of one.
# Bytecode is kept, since the suite starts hundreds of processes that import the package.
PYTEST = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest
# The team's package. The template runs all tests; a renamed fork runs those in tests/<name>: the
# engine's contract tests over every option, and the team's own tests.
PROJECT := $(shell sed -n 's/^project = "\([a-z0-9_]*\)".*/\1/p' pyproject.toml)
SUITE = $(if $(filter project,$(PROJECT))$(findstring tests/,$(ARGS)),,tests/$(PROJECT))
# The extras of pyproject.toml to install; EXTRAS=all is what every test needs.
EXTRAS ?= parquet,images,streaming,tensorboard,onnx,dev

.DEFAULT_GOAL := help
.PHONY: help install train test test-engine test-slow test-soak soak check docs format signatures lock clean distclean add completion info rename slim update

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo '  Options: ARGS="overrides for the command"  PYTHON=python3.12  WORKERS=2'

install: $(STAMP) ## Create .venv from requirements.lock (other targets do so if needed)

train: $(STAMP) ## Train; ARGS="optimizer=sgd" changes a choice
	@$(RUN) src/train.py $(ARGS)

test: $(STAMP) ## Run the tests; ARGS="tests/quintet/data -k csv" selects some
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "not soak and not slow" $(SUITE) $(ARGS)

test-engine: $(STAMP) ## In a fork: run the engine's own tests, for example after an update
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "not soak and not slow" \
	  --ignore=tests/$(PROJECT) $(ARGS)

test-slow: $(STAMP) ## Run the slow tests, as before a release; CI runs most of them
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "slow and not soak" $(ARGS)

test-soak: $(STAMP) ## Run the tests that take hours, for changes to resuming or sweeping
	@$(PYTEST) -m soak $(ARGS)

soak: $(STAMP) ## Kill sweeps 300 times at random, count lost trials; ARGS="rounds=20 seed=1"
	@$(RUN) tests/quintet/sweep/soak.py $(ARGS)

check: $(STAMP) ## Check style and types: ruff, mypy
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

docs: $(STAMP) ## Serve the documentation as a site; ARGS=build writes it to build/docs/site
	@$(RUN) -c 'import zensical' 2>/dev/null || $(PIP) ".[docs]"
	@$(RUN) docs/site/build.py $(ARGS)

format: $(STAMP) ## Format the code and apply ruff's fixes
	@$(RUN) -m ruff check --fix-only .
	@$(RUN) -m ruff format .

signatures: $(STAMP) ## Regenerate the options' signatures and schemas, after an upgrade or a change
	@$(RUN) -W ignore tools/signatures.py
	@$(RUN) tools/schemas.py

# uv.lock is the source of both. Existing pins stay unless ARGS=--upgrade. CUDA packages are left out:
# torch pins them itself if needed, and a machine with a CPU build must not download them.
lock: $(STAMP) ## Update uv.lock and requirements.lock from pyproject.toml; ARGS=--upgrade updates all pins
	@$(RUN) -m pip install --quiet uv==$(UV_VERSION)
	@$(RUN) -m uv lock --quiet $(ARGS)
	@echo '# What uv.lock pins, for pip; written by `make lock`.' > requirements.lock.new
	@$(RUN) -m uv export --frozen --quiet --all-extras --no-hashes --no-emit-project --no-annotate \
	  --no-header | sed -E -e '/^(cuda|nvidia|triton)[-a-z0-9]*==/d' \
	  -e "/ sys_platform == 'emscripten'/d" -e 's/^(torch==[0-9.]+)\+cpu/\1/' >> requirements.lock.new
	@mv requirements.lock.new requirements.lock

add: $(STAMP) ## Add an option of your own: KIND=model NAME=my_net
	@$(RUN) tools/add.py '$(KIND)' '$(NAME)'

info: $(STAMP) ## Versions, devices and optional parts, for a bug report
	@$(RUN) src/info.py

# In .venv, not in your home folder, so that it is removed with .venv.
completion: $(STAMP) ## Complete options and experiments with TAB, in bash, zsh and fish
	@grep -qs tools/completion.sh $(VENV)/bin/activate || \
	  echo '[ -z "$$BASH_VERSION$$ZSH_VERSION" ] || . "$(CURDIR)/tools/completion.sh"' \
	  >> $(VENV)/bin/activate
	@grep -qs tools/completion.fish $(VENV)/bin/activate.fish || \
	  echo 'source "$(CURDIR)/tools/completion.fish"' >> $(VENV)/bin/activate.fish
	@echo 'From now on, after `. $(VENV)/bin/activate`:  python src/train.py optimizer=<TAB>'

rename: $(STAMP) ## In a fork, once: NAME=acme renames your package, its tests, the distribution
	@$(RUN) tools/rename.py '$(NAME)'
	@$(MAKE) --no-print-directory install

slim: $(STAMP) ## List removable examples; KEEP="..." or DROP="..." removes them
	@$(RUN) tools/slim.py '$(KEEP)' '$(DROP)'

update: $(STAMP) ## In a fork: merge a later template; FROM=<address or path> REF=<version>
	@$(RUN) tools/update.py '$(FROM)' '$(REF)'

clean: ## Remove caches and build files; keep logs/ and .venv
	@find . \( -path ./$(VENV) -o -path ./logs -o -path ./.git \) -prune \
	  -o -type d -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist src/*.egg-info

distclean: clean ## Remove .venv as well
	@rm -rf $(VENV)

# Without a stamp, .venv is incomplete and is cleared. With one, only changes are installed, and the
# stamp is removed meanwhile. --compile: write bytecode now, not at every start with
# PYTHONDONTWRITEBYTECODE.
$(STAMP): requirements.lock pyproject.toml
	@if [ -f $@ ] && $(RUN) -c '$(SUITABLE)' 2>/dev/null; then rm -f $@; else \
	  for python in $(PYTHON); do \
	    if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No working Python 3.11, 3.12 or 3.13 with venv and pip among: $(PYTHON)." >&2; \
	    echo "Install one (on Debian: apt install python3 python3-venv), or specify it:" >&2; \
	    echo "  make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.12" >&2; exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$found; this happens once and takes a few minutes."; \
	  rm -f $@ && "$$found" -m venv --clear $(VENV); \
	fi
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation --editable ".[$(EXTRAS)]"
	@touch $@
