# Everything sets itself up: the targets build .venv on first use (Python >= 3.10 and a package registry are enough).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup test lint demo clean

setup: $(READY)

# One resolution for everything, so that torch and torchvision always match. Compiled: where Python may not write bytecode
# (PYTHONDONTWRITEBYTECODE), every process would compile torch anew, for more than ten seconds.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e ".[dev]"
	@touch $(READY)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

demo: $(READY)
	rm -rf demo
	$(BIN)/sourcefree demo --out demo

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
