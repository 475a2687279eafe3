# Each target sets up what it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
# A file for each process, in the order in which tests/conftest.py puts them.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder
TORTURE := $(BIN)/python -m tests.processes.torture --chains 600 --kills 60 --seed 11

.PHONY: run test torture quick check format bench screenshots clean

run: .venv/run
	$(BIN)/homequeue run

test: .venv/dev
	$(BIN)/python -m pytest $(PARALLEL)
	$(BIN)/python -m pytest $(PARALLEL) --database=postgres

torture: .venv/dev
	$(TORTURE)
	$(TORTURE) --redis
	$(TORTURE) --postgres

quick: .venv/dev
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict homequeue
	$(BIN)/python -m pytest -q tests/test_floors.py tests/test_docs.py

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev
	$(BIN)/python -m bench

screenshots: .venv/dev
	$(BIN)/python docs/screenshots.py

.venv/run: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/dev: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
