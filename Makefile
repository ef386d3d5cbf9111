# Needs Python 3.11 or newer and make, nothing else. Everything is installed into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RIVALS := .venv-rivals/.installed
# Another interpreter: make test PYTHON=/opt/python3.12/bin/python3
PYTHON ?=
PYTEST_ARGS ?=
PIP_ARGS ?=

.PHONY: help install demo demo-ui dev test check worlds faults kills bench bench-brevo clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Create .venv with everything that was tested together

demo: $(INSTALLED) ## Show a whole two-way sync against the sandbox, with a proof at the end
	$(BIN)/nl-pipeline demo

demo-ui: $(INSTALLED) ## Open the Dagster UI on what the demo left (http://127.0.0.1:3000)
	@test -d demo/dagster_home || { echo "There is no demo yet: make demo" >&2; exit 1; }
	DAGSTER_HOME="$(CURDIR)/demo/dagster_home" NL_PIPELINE_CONFIG="$(CURDIR)/demo/connections.yaml" \
		$(BIN)/dagster-webserver --host 127.0.0.1 --port 3000 -m nl_pipeline.definitions

# Every sandbox starts with the same people and none of their history, so the warehouse of the last
# one goes. A connections.yaml of your own is neither used nor changed: `sandbox connect` stops there.
dev: export DAGSTER_HOME := $(CURDIR)/.dagster_home
dev: export NL_PIPELINE_CONFIG := $(CURDIR)/connections.yaml
dev: $(INSTALLED) ## Run sandbox, receiver and Dagster UI (http://127.0.0.1:3000), everything on
	@mkdir -p "$$DAGSTER_HOME" && cp deploy/dagster.yaml "$$DAGSTER_HOME/dagster.yaml"
	@$(BIN)/nl-pipeline sandbox serve & sandbox=$$!; receiver=; \
	trap 'kill $$sandbox $$receiver 2>/dev/null || true' EXIT INT TERM; \
	$(BIN)/nl-pipeline sandbox connect --wait 60 --receiver 8700 && \
	rm -rf data/demo-mailchimp.duckdb data/webhooks/demo-mailchimp && \
	rm -rf data/demo-brevo.duckdb data/webhooks/demo-brevo && \
	{ $(BIN)/nl-pipeline receive --port 8700 & receiver=$$!; } && \
	$(BIN)/nl-pipeline receive --port 8700 --check --wait 60 && \
	$(BIN)/nl-pipeline setup demo-mailchimp && \
	$(BIN)/nl-pipeline setup demo-brevo && \
	$(BIN)/dagster dev --workspace "$(CURDIR)/deploy/dev.yaml" --host 127.0.0.1 --port 3000

# Most of a test's time goes into planning small SQL statements, and a quarter of that into malloc:
# glibc is told to keep what was freed. Other C libraries do not read this.
KEEP_FREED := glibc.malloc.tcache_count=60000:glibc.malloc.tcache_max=65536:glibc.malloc.mxfast=0
KEEP_FREED := $(KEEP_FREED):glibc.malloc.trim_threshold=268435456:glibc.malloc.top_pad=16777216
KEEP_FREED := $(KEEP_FREED):glibc.malloc.mmap_threshold=268435456
test worlds faults: export GLIBC_TUNABLES := $(KEEP_FREED)
# Some tests wait for processes they have started; one worker more than cores works meanwhile.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)
test: $(INSTALLED) ## Run the tests (PYTEST_ARGS="-k name" for some of them)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(INSTALLED) ## Lint, check formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

worlds: export NL_WORLDS := deep
worlds: $(INSTALLED) ## Draw many random worlds and let all of them end as the oracle says
	$(BIN)/python -m pytest -n auto nl_pipeline_tests/properties

faults: export NL_EVERY_FAULT := 1
faults: $(INSTALLED) ## Break every call of a sync in every way, which takes a while
	$(BIN)/python -m pytest -n auto nl_pipeline_tests/sync/test_every_call_can_fail.py

kills: export NL_KILLS := 100
kills: $(INSTALLED) ## Kill the receiver a hundred times under load and look for what it acknowledged
	$(BIN)/python -m pytest nl_pipeline_tests/receiver/test_kills.py

bench: $(INSTALLED) $(RIVALS) ## Measure speed and memory beside rivals, which get an environment of their own
	$(BIN)/python -m benchmarks.plan_diff
	$(BIN)/python -m benchmarks.extract_load
	$(BIN)/python -m benchmarks.dagster_overhead
	$(BIN)/python -m benchmarks.large_sync
	$(BIN)/python -m benchmarks.freshness
	$(BIN)/python -m benchmarks.receive
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.brevo_first_sync

bench-brevo: $(INSTALLED) ## Measure the first sync of 100,000 people into Brevo at its limits
	$(BIN)/python -m benchmarks.brevo_first_sync

clean: ## Remove environments and caches; warehouses and Dagster history stay
	rm -rf $(VENV) .venv-rivals .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
	find nl_pipeline nl_pipeline_tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A name on the PATH proves nothing (version managers leave names that only print an error), so
# each candidate is asked for its version and for the modules that create an environment.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@usable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'; \
	for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
		if "$$candidate" -c "$$usable" >/dev/null 2>&1; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "nl-pipeline needs Python 3.11 or newer with the modules venv and ensurepip." >&2; \
		echo "Tried: $(or $(PYTHON),python3.13 python3.12 python3.11 python3)." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3 python3-venv) or name one:" >&2; \
		echo "  make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$("$$found" --version) ..."; \
	"$$found" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		$(PIP_ARGS) --constraint constraints.txt --editable '.[test]'
	@touch $@

$(RIVALS): benchmarks/rivals.txt | $(INSTALLED)
	@echo "Installing the rivals of the benchmarks into .venv-rivals ..."
	@$(BIN)/python -m venv --clear .venv-rivals
	@.venv-rivals/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement benchmarks/rivals.txt
	@touch $@
