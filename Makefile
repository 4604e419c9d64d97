# make book   run the notebooks and build the book in _build/html
# make check  style, types, the flow of imports, the views' JavaScript, fast tests; three minutes
# make test   build the book, then test everything
# make pdf    build the book, and print it as _build/book.pdf; needs Chromium
# make epub   build the book, and write it as _build/book.epub; needs Chromium
# make bench  measure how fast the core is; about ten minutes
# make lab    open JupyterLab on the explorer of pairs, with your own photographs
# make release  build the wheel and the source archive, and try the wheel in an empty environment
# Each makes .venv by itself; nothing is done twice.

# The first Python 3.11 or 3.12 that runs; `make PYTHON=/path/to/python book` names another.
PYTHON ?= $(firstword $(foreach p,python3.12 python3.11 python3 python,$(shell \
	$p -c 'import sys; sys.version_info[:2] in ((3, 11), (3, 12)) and print("$p")' 2>/dev/null)))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
INSTALLED := .venv/installed

# Tests run in so many processes, each with one thread: most work is too small for several.
JOBS ?= 2
# OPTIONS are given to pytest: make test OPTIONS=--durations=20
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(JOBS) --dist worksteal $(OPTIONS)

.PHONY: book pdf epub check style test bench lab release clean

book: $(INSTALLED)
	$(BIN)/lfs book

pdf: $(INSTALLED)
	$(BIN)/lfs book --pdf

epub: $(INSTALLED)
	$(BIN)/lfs book --epub

check: style
	$(PYTEST) tests/unit -m "not slow"

style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tests/views/check.py
	$(BIN)/mypy

# The notebooks have been run for the book; nbval compares those runs.
test: style book
	$(PYTEST) --executed-once

bench: $(INSTALLED)
	$(BIN)/python benchmarks/speed.py book/results/bench.json
	$(BIN)/python benchmarks/throughput.py book/results/throughput.json

lab: $(INSTALLED)
	$(BIN)/jupyter lab --notebook-dir notebooks --LabApp.default_url=/lab/tree/15_explain_your_own.ipynb --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(if $(filter 0,$(shell id -u)),--allow-root)

release: $(INSTALLED)
	rm -rf dist _build/release
	$(BIN)/python -m build
	$(PYTHON) -m venv _build/release
	_build/release/bin/python -m pip install --constraint constraints.txt dist/*.whl
	cd _build && PATH="$$PWD/release/bin:$$PATH" release/bin/python ../tests/installed.py

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into .venv; the first time takes minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	@touch $@

clean:
	rm -rf _build .venv dist
