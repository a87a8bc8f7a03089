# Every target sets up what it needs and fails when it falls short. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
LAB ?= demo
TEST_JOBS ?= 2

.PHONY: help setup demo demo-down test conformance check format bench lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, virtual environment
	@tools/setup

demo: setup ## bring up a cloud network on emulated hosts, show that packets pass, and leave it up (root)
	@$(BIN)/kaon lab demo --name $(LAB)

demo-down: setup ## remove everything that `make demo` made, and only that (root)
	@$(BIN)/kaon lab down --name $(LAB)

check: setup ## format, lint, types, walls
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@bash -n tools/setup .ci/run

test: check ## every check and every test (root: the real kernel is part of it)
	@$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile tests

conformance: setup ## run the API suites that others wrote; results to docs/conformance.md
	@tools/conformance --report docs/conformance.md

bench: setup ## measure and print; fail where a limit that bench/ states is missed (root)
	@$(BIN)/python -m bench

format: setup ## put code into shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock: setup ## renew requirements.lock from pyproject.toml
	@tools/lock

clean: ## remove the virtual environment and caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
