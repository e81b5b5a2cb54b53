# `make demo` and `make test` each do all the set-up they need on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench lab app clean

demo: $(VENV)/.installed
	$(BIN)/python -m motornet_nb demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check nbs tests benchmarks
	$(BIN)/ruff format --check nbs tests benchmarks
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -n 2 --dist worksteal

# before a commit: modules from notebooks, clean notebooks, style, types, the quick tests
check: $(VENV)/.installed-test
	$(BIN)/nbdev-export
	$(BIN)/nbdev-clean
	$(BIN)/ruff check --fix nbs tests benchmarks
	$(BIN)/ruff format nbs tests benchmarks
	$(BIN)/nbdev-export
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

bench: $(VENV)/.installed-test
	$(PIP) -e '.[benchmark]'
	$(BIN)/python -m benchmarks $(BENCH)

lab: $(VENV)/.installed
	$(PIP) -e '.[lab]'
	$(BIN)/jupyter lab nbs

app: $(VENV)/.installed
	$(PIP) -e '.[lab]'
	$(BIN)/python -m motornet_nb app $(APP)

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) -e '.[test]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info demo
