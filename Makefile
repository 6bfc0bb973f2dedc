# Two commands do everything: `make quickstart` and `make test`. Both set up what is missing, in .venv and nowhere else.
#
# The environment is pinned to the hash: requirements-setup.txt holds uv and the build backend, requirements.txt the
# rest. Only this package itself is installed without one, from this directory.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SIDE_BY_SIDE = -n $(WORKERS) --durations 25
READY := $(VENV)/.ready
SETUP_PACKAGES := uv==0.13.9 hatchling==1.27.0 editables==0.5
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-all lint docs requirements bench bench-export bench-bakeoff clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

setup: $(READY)  ## make .venv and install everything into it

$(READY): pyproject.toml requirements.txt requirements-setup.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "make: expected Python 3.11, 3.12 or 3.13; got $$($(PYTHON) --version 2>/dev/null || echo no $(PYTHON)); name one: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: expected a Python that can make environments; got $(PYTHON) without ensurepip; install its venv package (Debian, Ubuntu: apt install python3-venv) or name another Python: make PYTHON=..."; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --require-hashes -r requirements.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --no-deps --no-build-isolation -e .
	@touch $@

quickstart: setup  ## take Gemma 3 270M through the whole pipeline: a scored model in runs/quickstart
	$(BIN)/callwright run config/quickstart.yaml

test: setup lint  ## formatting, types, and all tests that need no minutes, no real weights and no second environment
	$(BIN)/pytest -m "not (peer or slow or weights)" --compile-quickly $(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder

test-all: setup  ## what `make test` leaves out: what takes minutes, the real weights, longer runs of hypothesis, and others' programs (the official BFCL package, llama.cpp, torch)
	$(BIN)/pytest -m "peer or slow or weights or hypothesis" --hypothesis-profile thorough $(SIDE_BY_SIDE) --dist load

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: setup  ## write what is generated in docs/ again, from the code
	$(BIN)/python docs/generate.py

requirements: setup  ## write requirements.txt again, from pyproject.toml
	$(COMPILE) --all-extras pyproject.toml -o requirements.txt
	echo $(SETUP_PACKAGES) | tr ' ' '\n' | $(COMPILE) --constraints requirements.txt - -o requirements-setup.txt

bench: setup  ## every figure of docs/benchmarks.md that does not need a whole run (about 15 minutes, idle machine)
	$(BIN)/python benchmarks/bench_startup.py
	$(BIN)/python benchmarks/bench_scoring.py
	$(BIN)/python benchmarks/bench_formats.py
	$(BIN)/python benchmarks/bench_instruments.py
	$(BIN)/python benchmarks/bench_sft.py

bench-export: setup  ## every kind of export of runs/quickstart: time, memory, size, and what its checks find (about 15 minutes)
	$(BIN)/python benchmarks/bench_export.py runs/quickstart

bench-bakeoff: setup  ## the model of runs/quickstart against itself as served, in all wordings of the bake-off's tasks
	ls runs/quickstart/exports/*/*/*.gguf >/dev/null 2>&1 || $(BIN)/callwright export runs/quickstart --to gguf --quantize f16
	$(BIN)/callwright bakeoff run config/bakeoff.yaml --yes
	$(BIN)/callwright bakeoff compare runs/quickstart/bakeoffs/stage5

clean:  ## remove the environment and what tools left behind; runs/ and the cache of downloads stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests benchmarks docs -name __pycache__ -type d -exec rm -rf {} +
