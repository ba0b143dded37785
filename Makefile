# Every target sets up what it needs; nothing has to be typed before it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --no-deps
# What the laptop needs (no Java, no Spark, no tests), and everything.
LOCAL := $(VENV)/.local
READY := $(VENV)/.ready
# Compiled when they are imported: most of their modules never are, and there are more of them than of all others.
SELDOM := /(pulumi_aws|awscli|botocore/data)/
# But these services, which the program does use.
USED := athena,budgets,cloudwatch,dynamodb,ec2,glue,iam,kms,lambda_,s3,sfn,sns,sqs
COMPILE = $(BIN)/python -m compileall -q -j 0 -x '$(SELDOM)' $(VENV)/lib && \
	$(BIN)/python -m compileall -q -j 0 -l $$(bash -c 'echo $(VENV)/lib/*/site-packages/pulumi_aws/{.,$(USED)}')
DECISIONS := $(CURDIR)/.local/decisions
AUDIT := .local/audit
GLUE := .local/glue
MUTANTS := .local/mutants/venv
# What was compiled once is not compiled again by each process of the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup layer demo local preview test coverage unit unit-glue robustness integration engine queries athena browser answers bench check lint types licences audit docs stale mutants lock clean

help: ## Say what can be done here
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Make the virtual environment (pinned, hash-checked)

$(UV): requirements/uv.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile -r $<
	@touch $@

$(LOCAL): requirements/local.txt $(UV)
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --no-build-isolation --editable .
	@$(COMPILE)
	@touch $@

$(READY): requirements/dev.txt requirements/policy.txt $(UV)
	$(INSTALL) --require-hashes -r $< -r requirements/policy.txt
	$(INSTALL) --no-build-isolation --editable .
	@$(COMPILE)
	@touch $(LOCAL) $@

layer: $(LOCAL) ## Fetch the wheels of the function stage's layer, by their hashes; pulumi up does so too where they lack
	$(BIN)/python -m components.compute.wheels

demo: $(if $(filter spark,$(ENGINE)),$(READY),$(LOCAL)) ## Deploy into the emulator, land real data, watch it become tables, check the answers; ENGINE=spark
	$(BIN)/python -m local.demo $(if $(ENGINE),--engine $(ENGINE))

local: $(LOCAL) ## Keep the emulator up with the pipeline deployed, and its data; FRESH=yes forgets them, PORT=4567, ATHENA=trino
	$(BIN)/python -m local.up $(if $(PORT),--port $(PORT)) $(if $(ATHENA),--athena $(ATHENA)) $(if $(FRESH),--fresh)

STACK ?= dev
preview: $(LOCAL) ## What the program declares for a stack, and changes against a revision: STACK=prod BASE=main
	$(BIN)/data-pipeline preview --stack $(STACK) $(if $(BASE),--base $(BASE)) $(if $(FORMAT),--format $(FORMAT))

test: $(READY) ## Everything that has to pass
	$(MAKE) --jobs 2 types lint stale licences
	$(MAKE) unit unit-glue robustness integration

# By itself: on Python 3.11, what is measured takes three quarters longer.
coverage: $(READY) ## What the unit tests and those of the embedded runtime leave out: 90 % of lines and branches have to be run
	rm -f .coverage .coverage.*
	$(MAKE) unit unit-glue integration COVER="--cov --cov-report= --cov-fail-under=0"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

# SPARK=no leaves out what needs a Python that Spark runs on.
unit: $(READY) ## Unit tests; SPARK=no: those that need no Spark
	COVERAGE_FILE=$(CURDIR)/.coverage.unit $(BIN)/python -m pytest tests/unit -n auto --dist worksteal -q $(COVER) \
		$(if $(filter no,$(SPARK)),--ignore tests/unit/glue_jobs)

unit-glue: $(READY) $(GLUE)/.ready ## The record engine alone with the pyarrow that Glue has
	COVERAGE_FILE=$(CURDIR)/.coverage.glue PYTHONPATH=$(GLUE) STREAMS=100 $(BIN)/python -m pytest \
		tests/unit/record_engine tests/robustness/test_write_modes.py -n auto -q $(COVER)

$(GLUE)/.ready: requirements/glue.txt $(UV)
	$(INSTALL) --target $(GLUE) --require-hashes -r $<
	@touch $@

# Not measured: the unit tests run the same code, and what is measured takes half as long again here.
robustness: $(READY) ## Both engines on bad files against an oracle and each other, replays, random interleavings; SPARK=half: less of Spark
	$(if $(SPARK),SPARK=$(SPARK)) $(BIN)/python -m pytest tests/robustness -n auto --dist worksteal -q

integration: $(READY) ## The embedded runtime's own tests, end-to-end and fault tests on it, permissions used
	COVERAGE_FILE=$(CURDIR)/.coverage.local $(BIN)/python -m pytest \
		tests/integration/local -n auto --dist loadfile --no-loadscope-reorder -q $(COVER)
	rm -rf $(DECISIONS)
	COVERAGE_FILE=$(CURDIR)/.coverage.integration PIPELINE_DECISIONS=$(DECISIONS) $(BIN)/python -m pytest \
		tests/integration --ignore tests/integration/local -n auto --dist loadfile --no-loadscope-reorder -q $(COVER)
	COVERAGE_FILE=$(CURDIR)/.coverage.privileges PIPELINE_DECISIONS=$(DECISIONS) \
		$(BIN)/python -m pytest tests/privileges -q $(COVER)

engine: $(READY) ## The program through the real Pulumi CLI and engine, with a stand-in for AWS (needs Go, and npm)
	$(BIN)/python -m pytest tests/engine -n auto --dist worksteal -q

queries: $(LOCAL) ## Check named queries by Trino's own analyser, over tables declared from the contracts (needs Maven and a JDK of 24)
	$(BIN)/python -m local.athena.trino.validate

athena: $(READY) ## The quick engine of the local Athena beside a real Trino, query by query (needs Maven and a JDK of 24)
	$(BIN)/python -m pytest tests/athena -q

browser: $(READY) ## The page in Debian's Chromium: nothing is requested, nothing overflows, axe finds nothing; SHOTS=yes writes docs/images
	$(if $(SHOTS),SHOTS=$(SHOTS)) $(BIN)/python -m pytest tests/browser -q

answers: $(READY) ## Write docs/answers.md: what each command answers, in the emulator and before the real engine
	ANSWERS=yes $(BIN)/python -m pytest tests/integration/test_answers.py -q
	ANSWERS=yes $(BIN)/python -m pytest tests/engine/test_review.py::test_what_it_says_is_on_the_page_of_answers -q

bench: $(READY) ## Measure both record engines beside bare copies, and the quick Athena beside DuckDB; WRITE=yes writes the pages
	$(BIN)/python -m tests.benchmarks $(if $(WRITE),--write)
	PYTHONPATH=lambdas/layers $(BIN)/python -m tests.benchmarks.upserts
	PYTHONPATH=.:lambdas/layers $(BIN)/python -m tests.benchmarks.commits
	PYTHONPATH=.:lambdas/layers $(BIN)/python -m tests.benchmarks.athena $(if $(WRITE),--write)

check: lint types stale unit ## What to run before a commit

# Shellcheck and pyflakes are not asked: not every machine has them, and the answer should be the same on all.
lint: $(READY) ## Format check and lint; check and audit of the workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=.:lambdas/layers $(BIN)/lint-imports --no-cache
	$(BIN)/actionlint -shellcheck= -pyflakes=
	$(BIN)/zizmor --offline --quiet .github

types: $(READY) ## Type check, strict, tests too
	$(BIN)/mypy

docs: $(READY) ## Write the generated parts of the documentation
	$(BIN)/python -m ops.pages

stale: $(READY) ## Fail if a generated part of the documentation is stale
	$(BIN)/python -m ops.pages --check

licences: $(READY) ## Fail if a dependency has a licence that is not on the list in pyproject.toml
	$(BIN)/pip-licenses --python $(BIN)/python --from=mixed --summary --order=count

audit: $(AUDIT)/.ready ## Ask the advisory database about every pinned release (needs the internet)
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/dev.txt

$(AUDIT)/.ready: requirements/audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

mutants: $(READY) $(MUTANTS)/.ready ## Change the code in small ways, list the changes that no test notices; ONLY='contracts.*', TESTS=tests/unit/contracts
	PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')" \
		$(MUTANTS)/bin/python scripts/mutants.py $(ONLY) $(if $(TESTS),--tests '$(TESTS)')

$(MUTANTS)/.ready: requirements/mutants.txt
	$(BIN)/python -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

PINS := uv pip compile -q --generate-hashes --no-header --no-annotate
PINNED := $(PINS) --universal --python-version 3.11
lock: $(READY) ## Pin the requirements again, with hashes
	$(BIN)/$(PINNED) requirements/dev.in -o requirements/dev.txt
	$(BIN)/$(PINNED) -c requirements/dev.txt requirements/program.in -o requirements/program.txt
	$(BIN)/$(PINNED) -c requirements/dev.txt requirements/uv.in -o requirements/uv.txt
	$(BIN)/$(PINNED) -c requirements/dev.txt --no-emit-package pandas --no-emit-package numpy requirements/local.in -o requirements/local.txt
	$(BIN)/$(PINNED) -c requirements/dev.txt requirements/mutants.in -o requirements/mutants.txt
	$(BIN)/$(PINNED) requirements/audit.in -o requirements/audit.txt
	$(BIN)/$(PINNED) requirements/glue.in -o requirements/glue.txt
	$(BIN)/$(PINNED) --no-deps requirements/policy.in -o requirements/policy.txt
	$(BIN)/$(PINS) --python-version 3.13 --python-platform aarch64-manylinux_2_28 --only-binary :all: requirements/layer.in -o requirements/layer.txt

clean: ## Remove what the targets made
	rm -rf $(VENV) .local .mypy_cache .pytest_cache .ruff_cache .coverage
