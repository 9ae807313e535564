# The commands of the project; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
SCENARIO ?= default
INVENTORY ?=
LIMIT ?=
HARDEN_ARGS ?=
ARGS ?=

# Nothing is written outside the checkout; an account without a usable home directory will do.
export PYTHON INVENTORY LIMIT
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/installed
export HOME := $(shell if [ -n "$$HOME" ] && [ -d "$$HOME" ] && [ -w "$$HOME" ]; then echo "$$HOME"; else echo "$(CURDIR)/.cache/home"; fi)
# ansible refuses to run under a locale that is not UTF-8.
export LC_ALL := C.UTF-8
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip

MODULES := .cache/collections
LINK := $(MODULES)/ansible_collections/caisson/hardening
STAGES = PYTHONPATH=$(MODULES) .venv/bin/python -m ansible_collections.caisson.hardening.tests.support.stages

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  INVENTORY=path  LIMIT=hosts  HARDEN_ARGS='...'   for harden, plan and restore"
	@echo "  ARGS='...'                                       for unit and integration: arguments of pytest"
	@echo "  PYTHON=python3.12                                the Python that runs it all, 3.11 or later"

.PHONY: harden
harden: collection ## Harden this machine (or the hosts of INVENTORY)
	@tools/play.sh harden.yml $(HARDEN_ARGS)

.PHONY: plan
plan: collection ## Say what harden would change, and change nothing
	@tools/play.sh harden.yml --check --diff $(HARDEN_ARGS)

.PHONY: restore
restore: collection ## Bring back what was there before the first harden
	@tools/play.sh restore.yml $(HARDEN_ARGS)

.PHONY: test
test: testvenv ## Run every test, the cheap ones first
	@$(STAGES)

.PHONY: lint
lint: testvenv ## ruff, mypy, yamllint, ansible-lint
	@$(STAGES) lint

.PHONY: unit
unit: testvenv ## Unit tests: no root, no engine
	@$(STAGES) unit -- $(ARGS)

.PHONY: docs
docs: testvenv ## Build the documentation into .cache/docs/html
	@$(STAGES) docs

.PHONY: build
build: testvenv ## Build the collection, install it from the tarball, find its modules by name
	@$(STAGES) build

.PHONY: sanity
sanity: testvenv ## ansible-test sanity
	@$(STAGES) sanity

.PHONY: integration
integration: testvenv ## Tests against a real engine
	@$(STAGES) setup integration -- $(ARGS)

.PHONY: molecule
molecule: testvenv ## A host with systemd and its own engine, from outside: SCENARIO=default; with a kernel of its own: SCENARIO=vm
	@$(STAGES) setup molecule=$(SCENARIO)

.PHONY: benchmark
benchmark: testvenv ## Measure
	@$(STAGES) setup benchmark -- $(ARGS)

.PHONY: clean
clean: ## Remove all that was built, downloaded and cached
	@rm -rf .venv .cache 2> /dev/null || sudo rm -rf .venv .cache

.PHONY: venv testvenv collection
venv: $(LINK)
	@mkdir -p "$$HOME" "$$ANSIBLE_HOME"
	@tools/venv.sh requirements.txt

testvenv: $(LINK)
	@mkdir -p "$$HOME" "$$ANSIBLE_HOME"
	@tools/venv.sh requirements.txt requirements-test.txt

collection: venv
	@tools/collection.sh

# Python imports the collection by its full name; the checkout need not lie in a folder of that name.
$(LINK):
	@mkdir -p $(dir $@) && ln -sfn ../../../.. $@
