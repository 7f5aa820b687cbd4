# One verb per chore. People, hooks and CI call these and nothing else.

PYTHON ?= python3
ARGS ?=
SEEDS ?= 1000
ROUNDS ?= 100
TRACE ?=

# Another interpreter gets an environment of its own: make quick PYTHON=python3.13 VENV=.venv-3.13
VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
INSTALLED := $(VENV)/.installed
BUILT := $(VENV)/.built
READY := $(INSTALLED) $(BUILT)
COMPILED := $(addprefix app/,domain/dataplane adapters/net_asyncio adapters/streams_log)
NATIVE := $(wildcard $(foreach part,$(COMPILED),$(part)/*.pyx $(part)/*.pxi))
DOMAIN_TESTS := tests/unit/domain

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: install serve test domain others quick check format reference tree bench fuzz simulate crashes kills soak growth screenshots wheel clean help

# With --jobs=2 the native code is compiled while the tools are downloaded.
install: $(READY) ## Create .venv, install the server with all its tools, build the native data plane

# With what setup.py needs, so that pip need not download and install it a second time in an environment of its own.
$(CREATED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pynatsd needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make install PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
	@touch $@

$(INSTALLED): $(CREATED)
	@echo 'Installing the server and all tools into $(VENV); this takes about a minute.'
	COMPILE=0 $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --editable '.[dev]'
	@touch $@

# Without a C compiler this says so and goes on; REQUIRE_NATIVE=1 makes it an error.
$(BUILT): $(CREATED) setup.py $(NATIVE)
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

# At a terminal the server is a job of its own, so Ctrl-C reaches it alone, and not make, which would end with 130.
serve: $(READY) ## Run the server; flags go in ARGS, as in: make serve ARGS='-p 4333 -D'
	@if [ -t 0 ] && [ -t 2 ]; then set -m; $(BIN)/python -m app.entrypoints.server $(ARGS); else exec $(BIN)/python -m app.entrypoints.server $(ARGS); fi

# Tests of the domain that play many examples. Measuring coverage would double their time, and
# the others cover every branch without them.
MODELS := $(addprefix $(DOMAIN_TESTS)/,test_delivery_model.py cluster/test_route_session_splits.py \
	$(addprefix dataplane/,test_twins.py test_leaf_twins.py) \
	$(addprefix jetstream/,consumers/test_consumer_model.py streams/test_stream_model.py) \
	protocol/test_commands_properties.py $(addprefix sessions/,test_flow_scenarios.py test_session_splits.py))

# All others. Many of them wait, for processes and for timers, so that two workers share a core.
OTHERS := $(filter-out %.py %/__pycache__ tests/unit $(DOMAIN_TESTS),$(wildcard tests/* tests/unit/*)) \
	$(wildcard tests/unit/test_*.py) $(MODELS)
WORKERS = $(shell $(BIN)/python -c 'import os; print(2 * len(os.sched_getaffinity(0)))' 2>/dev/null || echo auto)

test: domain others ## Run all tests; those of the domain must cover every branch of it

# The domain must be covered by its own unit tests alone, so they run by themselves.
domain: $(READY) ## Run the tests of the domain, except those against models; they must cover every branch of it
	$(BIN)/pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term $(addprefix --ignore=,$(MODELS)) $(DOMAIN_TESTS)

others: $(READY) ## Run all other tests
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal $(OTHERS)

# What an interpreter could change: texts and limits of Python, the compiled twin, files, TLS.
QUICK := $(addprefix tests/unit/,adapters config embedding entrypoints testing \
	$(addprefix domain/,dataplane protocol sessions subjects jetstream/api jetstream/streams)) \
	tests/docs/test_tls.py $(addprefix tests/integration/test_,\
	connect.py delivery.py embedded_server.py jetstream.py nats_py.py permissions.py pytest_plugin.py tls.py)

# What no interpreter changes: models of the domain over the plain twin, and requests made from a schema.
LONG := $(addprefix tests/unit/,config/test_syntax_properties.py adapters/monitoring/test_contract.py \
	domain/jetstream/streams/test_stream_model.py domain/sessions/test_flow_scenarios.py \
	domain/sessions/test_session_splits.py)

quick: $(READY) ## Run the tests that could fail on another version of Python
	$(BIN)/pytest --numprocesses=auto --dist=worksteal --hypothesis-profile=quick --assert=plain -p no:schemathesis $(addprefix --ignore=,$(LONG)) $(QUICK)

check: $(READY) ## Check format, lint, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code, and fix what the linter can fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

reference: $(READY) ## Write docs/options.md, the page of all options, from the model
	$(BIN)/python -m app.config.help.reference > docs/options.md

tree: $(READY) ## Write docs/tree.md, the page of all modules, from their first lines
	$(BIN)/python -m tests.docs.tree > docs/tree.md

bench: $(READY) ## Measure against the Go server, side by side; options go in ARGS, as in: make bench ARGS=--quick
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(READY) ## Play hostile scripts on both twins, under the address sanitizer; options go in ARGS
	$(BIN)/python -m fuzz $(ARGS)

simulate: $(READY) ## Play whole clusters in virtual time: make simulate SEEDS=1000, or SEEDS=17..17 TRACE=1
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(if $(TRACE),--trace) $(ARGS)

crashes: $(READY) ## Play crashes of the store on a disk with a write cache: make crashes SEEDS=10000
	@$(BIN)/python -m tests.simulation.storage --seeds $(SEEDS) $(ARGS)

kills: $(READY) ## Kill servers with kill -9 under load, and compare what is stored: make kills ROUNDS=100
	@$(BIN)/python -m tests.kills --rounds $(ROUNDS) $(ARGS)

soak: $(READY) ## Put mixed load on a server for ten minutes and print slopes: make soak ARGS='--seconds 60'
	@$(BIN)/python -m soak $(ARGS)

growth: $(READY) ## Let clusters of up to 300 servers form in virtual time, and write docs/growth.md
	@$(BIN)/python -m tests.simulation.growth $(ARGS)

screenshots: $(READY) ## Take the pictures of docs/images/, with Debian's chromium and chromium-driver
	$(BIN)/python -m screenshots $(ARGS)

wheel: $(READY) ## Build a wheel, with the native data plane, into dist/
	$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir dist .

clean: ## Remove all that the other verbs made, .venv included
	rm -rf $(VENV) .venv-* build dist *.egg-info .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -f $(foreach part,$(COMPILED),$(part)/*.so $(part)/*.c)
	find app tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@echo 'Usage: make VERB'
	@echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1 \2/p' $(MAKEFILE_LIST) | while read -r verb text; do printf '  %-12s%s\n' "$$verb" "$$text"; done
