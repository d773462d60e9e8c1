# One word does everything. Each target does its own set-up on a fresh Debian with Python 3.11 and make; a second run of
# it costs nothing.
PYTHON ?= python3
CONFIG ?= nephoscope.yaml
ARGS ?=
# A file stays in one process, for its servers start once. PARALLEL= for one process and a debugger.
PARALLEL ?= -n 2 --dist loadfile --no-loadscope-reorder

BIN := .venv/bin
READY := .venv/.ready
NODE := node_modules/.ready
TEMPLATE := .serverless/cloudformation-template-update-stack.json
CHECKED := functions infra shared tests

export PATH := $(CURDIR)/$(BIN):$(PATH)
export NEPHOSCOPE_CONFIG := $(CONFIG)

.DEFAULT_GOAL := help
.PHONY: help demo test sweep check format generated package deploy-local bench pictures lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

demo: $(READY) ## a fleet on three local clouds, watched; ARGS="--seed 7 --instances 200 --minutes 30"
	$(BIN)/nephoscope demo $(ARGS)

test: $(READY) $(NODE) ## every test, on two processors at once; ARGS="tests/unit -k lifecycle" for some
	$(BIN)/pytest $(PARALLEL) $(ARGS)

sweep: $(READY) ## the whole fault matrix on both stores; build/sweep.json. ARGS="--rows 1,8 --share 0.1 --stores sqlite"
	$(BIN)/python tests/faults/matrix/sweep.py $(ARGS)

check: $(READY) ## lint, format, types, floors, generated files
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python infra/generated.py --check

format: $(READY) ## what ruff can mend by itself
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

generated: $(READY) ## write the generated files anew
	$(BIN)/python infra/generated.py

package: $(READY) $(NODE) ## the artifact and its template, linted; CONFIG=path for another configuration
	node_modules/.bin/osls package
	$(BIN)/cfn-lint $(TEMPLATE) infra/aws/*.yaml

deploy-local: $(READY) $(NODE) ## the whole stack on a local AWS, until its schedule has fired and an alert arrived
	$(BIN)/python -m infra.local.deploy $(ARGS)

bench: $(READY) ## time and calls beside plain SDK loops; writes build/bench.json
	$(BIN)/python infra/bench.py $(ARGS)

pictures: $(READY) $(NODE) ## pictures of every screen, page and message in build/pictures; ARGS="--only plots" (needs chromium)
	$(BIN)/python -m infra.pictures.draw $(ARGS)

lock: $(READY) ## requirements.lock from pyproject.toml: versions, no addresses
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --all-extras --group dev --group deploy -o requirements.lock pyproject.toml

clean: ## what was built; .venv and node_modules stay
	rm -rf build .serverless

$(READY): requirements.lock pyproject.toml infra/setup.py
	@$(PYTHON) infra/setup.py

# Node comes from a wheel in requirements.lock, for Debian's own is too old for the framework.
$(NODE): package-lock.json package.json .npmrc $(READY)
	@$(BIN)/npm ci --loglevel=error --no-progress
	@touch $@
