# The same verbs for people and for CI. Python 3.11 or newer is the only prerequisite:
# Node, the CDK command line and every tool come from the locks into .venv and node_modules.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export JSII_NODE := $(CURDIR)/$(BIN)/node
export UV_LINK_MODE ?= hardlink
# Many short processes import the same packages: compiled once, whatever the caller's environment says.
export PYTHONDONTWRITEBYTECODE :=
# What sandbox/images.py takes most from: an image comes compiled, and jobs write nothing beside their own files.
IMAGE_PACKAGES := numpy pandas pyarrow scipy sklearn xgboost
CODE := app.py stacks lambdas pipelines application ops sandbox supply_chain fuzzing tests benchmarks docgen
LOCKED := --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

.PHONY: help setup demo test faults fuzz check format types lint audit licences sbom secrets checkov synth compile wheels
.PHONY: docs record bench lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  \033[1m%-9s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready node_modules/.ready ## Install everything from the locks (the other targets do this by themselves)

.venv/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Tandem needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.x ...") if v < (3, 11) else None'
	@echo "setup: installing the locked Python packages into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@awk '/^[^ #]/ {keep = /^uv==/} keep' requirements.txt | $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r /dev/stdin
	@$(BIN)/uv pip sync --quiet --require-hashes requirements.txt
	@cd $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && $(CURDIR)/$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(IMAGE_PACKAGES)
	@touch $@

.venv/.spark: requirements-spark.txt .venv/.ready
	@echo "setup: installing Spark, which only tests and the sandbox's Spark image need"
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements-spark.txt
	@touch $@

.cache/tools/%/.ready: requirements-%.txt .venv/.ready
	@echo "setup: installing the tools of requirements-$*.txt into an environment of their own"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(@D)/bin/python requirements-$*.txt
	@touch $@

node_modules/.ready: package-lock.json .venv/.ready
	@echo "setup: installing the locked CDK command line into node_modules"
	@$(BIN)/npm ci --silent
	@touch $@

demo: setup ## Run the whole loop on this machine, without an AWS account
	@$(BIN)/python -m sandbox demo

test: setup $(if $(TESTS),,.venv/.spark) ## Run every test, or TESTS="tests/unit ..."; REPORT=file.xml writes JUnit XML
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(if $(REPORT),--junitxml=$(REPORT)) $(TESTS)

faults: setup ## Search SCHEDULES=20000 more fault schedules from FIRST=2000 on; SEED=17 plays one again and tells what happens
	@$(if $(SEED),TANDEM_FAULT_SEED=$(SEED),TANDEM_FAULT_FIRST=$(or $(FIRST),2000) TANDEM_FAULT_SCHEDULES=$(or $(SCHEDULES),20000)) \
	  $(BIN)/python -m pytest --quiet tests/faults/test_schedules.py $(if $(SEED),--capture=no,--numprocesses auto --dist load)

fuzz: setup $(if $(REPLAY),,.cache/tools/fuzz/.ready) ## Fuzz the parsers for MINUTES=10, or CASES=100000 each; PARSER=queues picks, JSON=1, REPLAY=file plays a finding
	@$(BIN)/python -m fuzzing $(if $(REPLAY),replay $(REPLAY),run $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CASES),--cases $(CASES)) \
	  $(foreach name,$(PARSER),--parser $(name)) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json))

check: setup lint types ## Lint, types, compiled pipelines and lock files up to date
	@$(BIN)/python -m pipelines.compile --check
	@echo "check: everything is in order"

lint: setup
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

types: setup
	@$(BIN)/mypy $(filter-out tests benchmarks,$(CODE))

format: setup ## Format the code and repair what can be repaired
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

audit: setup ## Compare the locks with the known vulnerabilities (asks PyPI and npm); REQUIRED=1 fails without an answer
	@$(BIN)/python -m supply_chain.audit $(if $(REQUIRED),--required)

licences: setup .cache/tools/sbom/.ready $(if $(REQUIRED),.venv/.spark .cache/tools/checkov/.ready .cache/tools/fuzz/.ready) ## List all licences; one that pyproject.toml does not allow fails; REQUIRED=1 fails for what is not installed, too
	@$(BIN)/python -m supply_chain.licences $(if $(REQUIRED),--required)

sbom: setup .cache/tools/sbom/.ready ## Write the bills of materials of the locks (CycloneDX) into sbom
	@mkdir -p sbom
	@PYTHONWARNINGS=ignore .cache/tools/sbom/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o sbom/python.cdx.json
	@PYTHONWARNINGS=ignore .cache/tools/sbom/bin/cyclonedx-py requirements requirements-spark.txt --pyproject pyproject.toml --output-reproducible --of JSON -o sbom/python-spark.cdx.json
	@npm sbom --sbom-format cyclonedx --package-lock-only --loglevel error > sbom/npm.cdx.json
	@echo "sbom: sbom/python.cdx.json, sbom/python-spark.cdx.json and sbom/npm.cdx.json"

secrets: setup ## Look for secrets in the tracked files; what is none stands in .secrets.baseline
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline
	@echo "secrets: none beyond .secrets.baseline"

checkov: synth .cache/tools/checkov/.ready ## Checkov on the synthesized templates
	@.cache/tools/checkov/bin/checkov --directory cdk.out --framework cloudformation --skip-download --quiet --compact

synth: setup ## Synthesize all environments and pipelines (no credentials, no network); CONTEXT="-c project=flights" selects
	@npx --no-install cdk synth --quiet --no-notices $(CONTEXT)
	@$(BIN)/python -m stacks.acknowledged cdk.out | tail -n 1
	@echo "synth: templates are in cdk.out"

compile: setup ## Rewrite the compiled SageMaker pipelines from their SDK source
	@$(BIN)/python -m pipelines.compile

wheels: setup ## Fetch what a monitor on Spark takes along; only projects with engine = "spark" need it
	@$(BIN)/python -m pipelines.wheels

record: setup ## Run the loop and write down again what its roles call (tests/data/recorded_calls.json)
	@TANDEM_RECORD_CALLS=parts $(BIN)/python -m pytest -k recorded tests/loop/test_least_privilege.py tests/loop/test_monitoring.py
	@TANDEM_RECORD_CALLS=others $(BIN)/python -m pytest tests/loop --deselect tests/loop/test_delivery.py

docs: setup ## Write the derived parts of docs/ again
	@$(BIN)/python -m docgen

bench: setup ## Measure side by side with the peers; results in benchmarks/results
	@$(BIN)/python -m benchmarks

lock: ## Resolve requirements.in into requirements.txt
	@$(BIN)/uv pip compile $(LOCKED) requirements.in -o requirements.txt
	@$(BIN)/uv pip compile $(LOCKED) -c requirements.txt requirements-spark.in -o requirements-spark.txt
	@$(BIN)/uv pip compile $(LOCKED) requirements-sbom.in -o requirements-sbom.txt
	@$(BIN)/uv pip compile $(LOCKED) requirements-fuzz.in -o requirements-fuzz.txt
	@$(BIN)/uv pip compile $(LOCKED) requirements-checkov.in -o requirements-checkov.txt
	@$(BIN)/npm install --package-lock-only --silent

clean: ## Remove everything that can be made again, the sandbox's state included
	@rm -rf .venv node_modules .cache .sandbox .pytest_cache .mypy_cache .ruff_cache .hypothesis cdk.out demo sbom
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
