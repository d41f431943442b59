# All targets use a separate virtual environment, which the first target that needs it creates.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DATA ?=

# The build of PyTorch: cpu, cu130 and so on from PyTorch's own index, or the address of another
# index. Without it, PyTorch comes from pip's default index like all other packages.
TORCH ?=
TORCH_INDEX = $(if $(findstring /,$(TORCH)),$(TORCH),https://download.pytorch.org/whl/$(TORCH))

.DEFAULT_GOAL := help
.PHONY: help install kernels demo test coverage test-slow test-without-kernels test-lowest \
	test-sanitize acted docs lint format clean

help:
	@echo "make demo                        label a voice, then train, evaluate and save a model"
	@echo "make demo DATA=/path/to/ravdess  the same on RAVDESS"
	@echo "make test                        lint, type check and run the tests"
	@echo "make coverage                    run the tests, and list the lines that they do not reach"
	@echo "make test-slow                   run the tests that take minutes"
	@echo "make test-without-kernels        make test without the compiled kernels"
	@echo "make test-lowest                 run the tests with the lowest supported versions"
	@echo "make docs                        build the documentation into docs/_build/html"
	@echo "make install                     only set up $(VENV), as all of these do first"
	@echo "make kernels                     compile the kernels again in $(VENV)"
	@echo "make acted RAVDESS=... NEMO=...  build the model of packages/ser-estimators-acted again"
	@echo "make test-sanitize               fuzz the kernels with memory checks; needs GCC"
	@echo
	@echo "TORCH=cpu, added to the first of these commands, installs the CPU build of PyTorch: on"
	@echo "Linux 200 MB instead of 3 GB. It takes another build, such as cu130, or an index as well."

install: $(INSTALLED)

# Torch alone is taken from its index, which may have other versions of the packages that it needs.
# Progress bars are for terminals; the log of a CI server has a line for each package.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "ser_estimators needs Python 3.11 or newer, but '$(PYTHON)' is older, or missing. Name" \
		"another one: make $(GOAL) PYTHON=python3.12" >&2; exit 1; }
$(PYTHON) -m venv $(1)
$(call announce,$(1))
@test -z "$(TORCH)" || \
	$(call pip,$(1)) --constraint $(2) --no-deps --index-url "$(TORCH_INDEX)" torch || { \
	echo "PyTorch could not be installed from $(TORCH_INDEX), see above." \
		"If this machine cannot reach that index, leave TORCH out: PyTorch then comes from pip's" \
		"default index. Or set TORCH to the address of a mirror." >&2; exit 1; }
@rm -f ser_estimators/_kernels/*.so # Python would prefer those of another version
$(call pip,$(1)) --constraint $(2) --editable '.[encoder,fetch,onnx,plot,test]' \
	$(if $(ACTED),--editable $(ACTED))
endef

# The package with a trained model, which has a license of its own. Source distributions lack it.
ACTED := $(wildcard packages/ser-estimators-acted)

pip = $(1)/bin/python -m pip --disable-pip-version-check install \
	--progress-bar "$$(test -t 2 && echo on || echo off)"
GOAL = $(or $(MAKECMDGOALS),install)

# The sizes are those of torch 2.13 and of the packages of CUDA that its default build needs.
define announce
@echo "Installing into $(1). pip downloads what it has neither there nor in its cache:"
@if $(1)/bin/python -c 'import sys, importlib.util as u; sys.exit(not u.find_spec("torch"))'; then \
	echo "  - PyTorch: nothing, the installed one is kept"; \
elif [ "$(TORCH)" = cpu ]; then \
	echo "  - PyTorch: 200 MB, the CPU build, from $(TORCH_INDEX)"; \
elif [ -n "$(TORCH)" ]; then \
	echo "  - PyTorch: 200 MB without CUDA, 3 GB with it, from $(TORCH_INDEX)"; \
elif [ "$$(uname -sm)" = "Linux x86_64" ]; then \
	echo "  - PyTorch: 3 GB with CUDA, which is the usual default on Linux. If this machine has no"; \
	echo "    GPU, press Ctrl+C and run: make $(GOAL) TORCH=cpu (200 MB)"; \
else \
	echo "  - PyTorch: 100 to 200 MB"; \
fi
@echo "  - 270 MB of other packages, 120 MB of them extras and tools for tests: NumPy, SciPy, scikit-learn, librosa, Matplotlib, Dask, pytest, mypy ..."
endef

$(INSTALLED): pyproject.toml setup.py constraints.txt $(wildcard ser_estimators/_kernels/*.[ch]) \
		$(ACTED:=/pyproject.toml)
	$(call install,$(VENV),constraints.txt)
	@$(BIN)/python -c "import ser_estimators._kernels._mel, ser_estimators._kernels._norm" \
		2>/dev/null || echo "The kernels were not compiled, so features and training are slower." \
		"To compile them: $(COMPILE)"
	@echo "Installed into $(VENV); to use it in a terminal: . $(BIN)/activate"
	@touch $@

COMPILE := install a C compiler and Python's headers (Debian: apt install gcc python3-dev; macOS: \
	xcode-select --install), then run: make kernels

# The C sources alone, without a look at the other packages. setuptools is installed with PyTorch.
kernels: $(if $(wildcard $(INSTALLED)),,$(INSTALLED))
	@SER_ESTIMATORS_REQUIRE_KERNELS=1 \
		$(BIN)/python setup.py --quiet build_ext --inplace --force || { \
		echo "The kernels were not compiled: see above. If there is no compiler, $(COMPILE)" >&2; \
		exit 1; }
	@$(BIN)/python -c "import ser_estimators._kernels._mel, \
		ser_estimators._kernels._norm; print('The kernels are compiled.')"

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py $(if $(DATA),--data "$(DATA)")

# The folders of both corpora; the evaluation takes the time of six trainings.
acted: $(INSTALLED)
	@test -n "$(RAVDESS)" -a -n "$(NEMO)" || { \
		echo "The corpora are missing: make acted RAVDESS=/path/to/ravdess NEMO=/path/to/nemo" >&2; \
		exit 1; }
	$(BIN)/python $(ACTED)/build_model.py "$(RAVDESS)" "$(NEMO)"

# In two processes, because most tests use a single core.
TEST := -m pytest -n 2 --dist worksteal -m "not slow"

test: lint
	$(BIN)/python $(TEST)

# Not a part of `make test`, because it takes a third longer.
coverage: $(INSTALLED)
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
	$(call install,$(LOWEST),constraints-lowest.txt)
	@touch $@

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/.installed-docs: $(INSTALLED)
	$(call pip,$(VENV)) --constraint constraints.txt --editable '.[docs]'
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
