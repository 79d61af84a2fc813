# Rostrum: `make run` and `make test` are the two commands; each does the whole set-up by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup setup-dev run test soak check format bench docs lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Set up what a server needs: Debian packages, Python, the engine, the web client
	@setup/setup.sh run

setup-dev: ## The same, and what checks and tests need
	@setup/setup.sh dev

run: setup ## Start the server with a demo webinar at http://localhost:8080 (PORT=8080)
	@./rostrum demo --port $(or $(PORT),8080) $(if $(HOST),--host $(HOST))

test: setup-dev ## Run all tests on the real parts: engine, browser, database
	@setup/test.sh

soak: setup-dev ## Send a million malformed packets; kill the server 200 times while it writes (KILLS=200, SEED=1)
	@pytest -m soak
	@KILLS=$(or $(KILLS),200) SEED=$(or $(SEED),1) pytest -s server/tests/faults

check: setup-dev ## Lint and type-check everything, hold the layers and the documents to the code
	@setup/check.sh

format: setup-dev ## Format the Python code
	@ruff format . && ruff check --fix .

bench: setup-dev ## Measure against the peers and write bench/RESULTS.md (quiet machine, about 10 minutes)
	@python -m bench

docs: setup-dev ## Write the documents that are generated from the code
	@./rostrum settings --markdown > docs/settings.md && ./rostrum errors --markdown > docs/errors.md

lock: setup-dev ## Lock the dependencies anew, with hashes and without addresses
	@uv pip compile -q --generate-hashes --no-header --python-version 3.11 --upgrade requirements.in -o requirements.txt
	@uv pip compile -q --generate-hashes --no-header --python-version 3.11 --upgrade requirements-dev.in -o requirements-dev.txt
	@npm install --package-lock-only --ignore-scripts

clean: ## Remove what the set-up made in the checkout (the engine's build stays in its cache)
	rm -rf .venv node_modules clients/*/dist packages/mediasoup/src/mediasoup/_fbs
