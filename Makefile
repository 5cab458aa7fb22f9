# `make demo` and `make test` do all the set-up they need: a virtual environment in $(VENV), filled by pip.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs

.PHONY: demo test check bench docs install clean

demo: $(STAMP)
	$(BIN)/tensorlang run examples/digits.tl

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

# What .ci/run checks besides the tests: style, types, layers.
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks --write

# The pages made from the code (errors, library, the picture of README.md), then the site: open site/index.html.
docs: $(STAMP) $(DOCS_STAMP)
	$(BIN)/python docs/generate_errors.py
	$(BIN)/python docs/generate_library.py
	$(BIN)/python docs/generate_picture.py
	$(BIN)/python docs/build_site.py

install: $(STAMP)

# Written last, so an interrupted installation is done again; made anew when the dependencies change.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $(STAMP)

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $(DOCS_STAMP)

clean:
	rm -rf $(VENV) site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
