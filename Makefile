# Everything that a person types. The scripts behind it are in scripts/; nothing here needs to be edited to work.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down clean build test bench format lint install

# Builds live outside the clone, so that a new clone starts where the last one stopped. CI keeps this folder between runs.
export SAMPAN_CACHE ?= $(HOME)/.cache/sampan
export SAMPAN_DATA_DIR ?= /var/lib/sampan

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

up: ## Install, build, start, and deploy the demo; run again, it does only what is missing
	@scripts/step "install" scripts/install run build
	@scripts/step "build" scripts/build release
	@scripts/step "server" $(SAMPAN_CACHE)/bin/sampan up
	@scripts/demo

down: ## Stop everything, and leave nothing behind but the data
	@if [ -x $(SAMPAN_CACHE)/bin/sampan ]; then $(SAMPAN_CACHE)/bin/sampan down; else echo "nothing was built, so nothing runs"; fi

clean: ## make down, and remove the data and the build
	@if [ -x $(SAMPAN_CACHE)/bin/sampan ]; then $(SAMPAN_CACHE)/bin/sampan down --remove-data; fi
	@rm -rf $(SAMPAN_CACHE)/build $(SAMPAN_CACHE)/bin $(SAMPAN_CACHE)/images .build

build: ## Build the release binary
	@scripts/install build
	@scripts/build release

test: ## Run every test: format, generated code, unit and end-to-end
	@scripts/test

bench: ## Measure clusters, the API and pods; with KUBE_BIN=folder, upstream's beside it
	@scripts/install run build bench
	@scripts/build release
	@scripts/bench

format: ## Format the Swift code
	@swift format -i -r -p Package.swift Sources Tests

lint: ## Check the format without changing anything
	@scripts/lint

install: ## Install what running, building and testing need
	@scripts/install run build test
