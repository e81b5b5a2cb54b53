# `make demo` and `make test` each do all the set-up they need on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check notes wheel floors bench lab app docs clean

demo: $(VENV)/.installed
	$(BIN)/python -m motornet_nb demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check nbs tests benchmarks docs
	$(BIN)/ruff format --check nbs tests benchmarks docs
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -n 2 --dist worksteal

# before a commit: modules from notebooks, clean notebooks, style, types, the quick tests
check: $(VENV)/.installed-test
	$(BIN)/nbdev-export
	$(BIN)/nbdev-clean
	$(BIN)/ruff check --fix nbs tests benchmarks docs
	$(BIN)/ruff format nbs tests benchmarks docs
	$(BIN)/nbdev-export
	$(BIN)/python tests/support/make_argument_notes.py
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# what `help` says of arguments, from the comments in the sources
notes: $(VENV)/.installed-test
	$(BIN)/python tests/support/make_argument_notes.py

# what a release is made of, tried in an environment of its own
wheel: $(VENV)/.installed-test
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m pytest tests/test_wheel.py

# the quick tests with the lowest versions that pyproject.toml allows; INDEX="--extra-index-url ..." where the CPU builds of torch are
floors:
	$(PYTHON) -m venv $(VENV)-floors
	$(PYTHON) tests/support/floors.py > $(VENV)-floors/floors.txt
	$(VENV)-floors/bin/python -m pip install --quiet -c $(VENV)-floors/floors.txt $(INDEX) -e '.[test]'
	$(VENV)-floors/bin/python -m pytest -n 2 --dist worksteal -m "not slow"

bench: $(VENV)/.installed-test
	$(PIP) -e '.[benchmark]'
	$(BIN)/python -m benchmarks $(BENCH)

lab: $(VENV)/.installed
	$(PIP) -e '.[lab]'
	$(BIN)/jupyter lab nbs

app: $(VENV)/.installed
	$(PIP) -e '.[lab]'
	$(BIN)/python -m motornet_nb app $(APP)

# the site, in _docs; what was executed before and has not changed is kept in build/docs
docs: $(VENV)/.installed-docs
	$(BIN)/python -m docs

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e '.[docs]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(VENV)-floors build dist *.egg-info demo _docs
