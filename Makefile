# All targets use a separate virtual environment, which the first target that needs it creates.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-without-kernels test-lowest test-sanitize docs lint \
	format clean

help:
	@echo "make demo                        train, evaluate and save a model on synthetic voices"
	@echo "make demo DATA=/path/to/ravdess  the same on RAVDESS"
	@echo "make test                        lint, type check and run the tests"
	@echo "make test-slow                   run the tests that take minutes"
	@echo "make test-without-kernels        make test without the compiled kernels"
	@echo "make test-lowest                 run the tests with the lowest supported versions"
	@echo "make docs                        build the documentation into docs/_build/html"
	@echo "make test-sanitize               fuzz the kernels with memory checks; needs GCC"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml setup.py constraints.txt $(wildcard ser_estimators/_kernels/*.[ch])
	@echo "Installing into $(VENV); PyTorch is large, so this can take some minutes ..."
	$(PYTHON) -m venv $(VENV)
	@rm -f ser_estimators/_kernels/*.so # Python would prefer those of another version
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fetch,plot,test]'
	@$(BIN)/python -c "import ser_estimators._kernels._mel, ser_estimators._kernels._norm" 2>/dev/null || \
		echo "The kernels were not compiled, so features and training are slower: see docs/features.md"
	@touch $@

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py $(if $(DATA),--data "$(DATA)")

# In two processes, because most tests use a single core.
TEST := -m pytest -n 2 --dist worksteal -m "not slow"

test: lint
	$(BIN)/python $(TEST) --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

test-without-kernels: export SER_ESTIMATORS_KERNELS = 0
test-without-kernels: test

# The kernels are compiled into a separate folder, with checks that abort the program at the first
# invalid memory access and at undefined behavior. Because Python itself is compiled without them,
# their libraries have to be loaded first. Memory that Python never frees is not reported.
SANITIZED := build/sanitize
SANITIZE_SECONDS ?= 60

test-sanitize: $(INSTALLED) $(SANITIZED)/_mel.so $(SANITIZED)/_norm.so
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
		$(BIN)/python -m tests.kernels.fuzz --kernels $(SANITIZED) --seconds $(SANITIZE_SECONDS)

$(SANITIZED)/%.so: ser_estimators/_kernels/%.c $(wildcard ser_estimators/_kernels/*.h) | $(INSTALLED)
	mkdir -p $(@D)
	$(CC) -shared -fPIC -O1 -g -fno-omit-frame-pointer -Wall -Wextra \
		-fsanitize=address,undefined -fno-sanitize-recover=all -DPy_LIMITED_API=0x030B0000 \
		-I"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" $< -o $@

# Uses another environment, which is kept. Warnings are not errors, because old versions of the
# dependencies warn about each other.
LOWEST := .venv-lowest

test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python $(TEST) -W default

$(LOWEST)/.installed: pyproject.toml setup.py constraints-lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --constraint constraints-lowest.txt \
		--editable '.[fetch,plot,test]'
	@touch $@

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/.installed-docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(LOWEST) demo-output .coverage .pytest_cache .ruff_cache .mypy_cache \
		$(SANITIZED) docs/_build docs/auto_examples docs/generated \
		ser_estimators/_kernels/*.so
