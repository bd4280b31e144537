# One-word habits.  Windows, or no make: README.md has the three plain commands.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: demo test test-all test-minimal lint bench docs site clean

demo: .venv/calib  ## train, evaluate and compare on handwritten digits, in about a minute
	$(BIN)/calib demo

test: .venv/dev lint  ## everything but tests marked slow
	$(BIN)/python -m pytest -n 2

test-all: .venv/dev .venv/docs lint  ## the slow ones too, the site among them
	$(BIN)/python -m pytest -n 2 -m ""

test-minimal: .venv/dev  ## wheel and sdist, in new environments with the newest and the oldest dependencies
	$(BIN)/python -m pytest -m slow tests/test_packaging.py

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/calib  ## speed, as ratios measured in one run; the first makes the peers' environments, about 9 GB
	$(BIN)/python -m benchmarks.evaluation
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.peers_temperature
	$(BIN)/python -m benchmarks.conventions
	$(BIN)/python -m benchmarks.training digits
	$(BIN)/python -m benchmarks.shards 88  # 10 GB of Parquet in a temporary folder

docs: .venv/dev  ## make the README's picture and table, the gallery's pictures and the notebook again; commit first
	$(BIN)/calib demo --force
	$(BIN)/python docs/update_readme.py calib-demo
	$(BIN)/python docs/update_gallery.py
	$(BIN)/python docs/update_notebook.py

site: .venv/docs  ## the pages as a site, docs/_build/html/index.html; a warning is an error
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html

clean:
	rm -rf docs/_build docs/auto_gallery docs/sg_execution_times.rst .venv calib-demo* .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/calib: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/dev: .venv/calib
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/docs: .venv/calib
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@
