# The commands of the project. Each does all of its own set-up, asks no questions, and is quick when nothing has changed.

PYTHON := .venv/bin/python

# Output that goes to a file or a pipe must show the addresses when the desk is ready, not when a buffer is full.
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup run grown test test-grown nightly chaos lint check bench catalogue screens

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what running needs, and stop there
	@.ci/setup run

run: ## Set up, fill the demo once, start the desk and print its addresses and logins
	@.ci/setup run
	@exec $(PYTHON) -m desk serve --demo

grown: ## Set up, then try a desk of many processes here: PostgreSQL, Redis, nginx if there is one, two of each part
	@.ci/setup run
	@.ci/test-services
	@command -v nginx >/dev/null || .ci/apt-install nginx-light || true
	@exec $(PYTHON) -m desk grown

test: ## Set up everything that tests need, browser included, and run the whole suite (ARGS="tests/web -k login" narrows it)
	@.ci/setup test
	@$(PYTHON) -m pytest -n auto --dist loadfile $(ARGS)

test-grown: ## Set up as for tests and tell the stories of flows and browser to desks of eight processes (ARGS="tests/flows -k mail")
	@.ci/setup test
	@command -v nginx >/dev/null || .ci/apt-install nginx-light || true
	@TEST_DESK=grown $(PYTHON) -m pytest -n auto --dist loadfile $(or $(ARGS),tests/flows tests/browser)

nightly: ## Set up as for tests and run what takes minutes: long random histories, statistics, faults
	@.ci/setup test
	@$(PYTHON) -m pytest -n auto --dist loadfile --timeout 1800 -m nightly $(ARGS)

chaos: ## A grown desk at work while processes, Redis, database, disk and network fail (MINUTES=10 ARGS="--seed 2")
	@.ci/setup test
	@command -v nginx >/dev/null || .ci/apt-install nginx-light || true
	@$(PYTHON) -m tests.faults.chaos --minutes $(or $(MINUTES),10) $(ARGS)

lint: ## Style, formatting and the import rules
	@.ci/setup test
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m pytest -q tests/shape/test_imports.py

check: lint test ## All that a change must pass: lint and test

bench: ## Run every benchmark; one line of JSON each
	@.ci/setup run
	@$(PYTHON) -m desk bench all

catalogue: ## Gather new sentences of code and pages into the translation catalogues
	@.ci/setup run
	@.ci/catalogue

screens: ## Take pictures of every page and state into ./screens (FOLDER=... ARGS="--quick --only board" narrow it)
	@.ci/setup test
	@$(PYTHON) -m tests.screens $(or $(FOLDER),screens) $(ARGS)
