# Everything runs in a virtual environment of its own, made by the first target that needs it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint format clean

help:
	@echo "make demo                        train, evaluate and save a model on synthetic voices"
	@echo "make demo DATA=/path/to/ravdess  the same on RAVDESS"
	@echo "make test                        lint, type check and run the tests"
	@echo "make test-slow                   the tests that take minutes"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml setup.py constraints.txt $(wildcard ser_estimators/_kernels/*.[ch])
	@echo "Installing into $(VENV); PyTorch is large, so this can take some minutes ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fetch,plot,test]'
	@$(BIN)/python -c "import ser_estimators._kernels._mel, ser_estimators._kernels._norm" 2>/dev/null || \
		echo "Without a C compiler features and training take longer: see docs/features.md"
	@touch $@

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py $(if $(DATA),--data "$(DATA)")

test: lint
	$(BIN)/python -m pytest -m "not slow" --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo-output .coverage .pytest_cache .ruff_cache .mypy_cache ser_estimators/_kernels/*.so
