# Two commands to a running course, one to grade the example class, one to test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: lab grade formgrader test test-pytorch quick endurance audit bench bench-grading lint format build doctor lock clean

lab: $(READY)  ## open the course in JupyterLab, on your own copy in work/
	$(BIN)/course lab

grade: $(READY)  ## grade the example class
	$(BIN)/course grade examples/submitted --json .course/grades.json

formgrader: $(READY)  ## look at the grades in nbgrader's formgrader
	$(BIN)/python -m jupyterlab --LabApp.default_url=/formgrader

test: $(READY) lint  ## everything that CI proves
	$(BIN)/python -m pytest --nbval course_lib autograder tests solutions

test-pytorch: $(READY)  ## the third witness, which is not in the lock: elsewhere it may be several GB
	$(BIN)/python -m pip install -q --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pytest tests/course_lib/witnesses/test_pytorch.py

quick: $(READY)  ## the fast loop: no notebooks, no class
	$(BIN)/python -m pytest -q -m "not slow"

endurance: $(READY)  ## kill the grader 200 times; no grade may be lost or doubled
	$(BIN)/python -m tests.endurance 200

audit: $(READY)  ## grade the grader: mutants, alternatives, misconceptions; docs/audit.md shows the figures
	$(BIN)/python -m tests.audit

bench: $(READY)  ## the cells beside Keras, TensorFlow 1 and, where it is installed, PyTorch: a table and a plot
	mkdir -p .course
	$(BIN)/python -m benchmarks.cells --plot .course/speed.png

bench-grading: $(READY)  ## a class of 60, beside stock nbgrader
	$(BIN)/python -m benchmarks.grading

lint: $(READY)  ## formatting, style, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: $(READY)  ## make the notebooks from solutions/*/*.py
	$(BIN)/course build

doctor: $(READY)
	$(BIN)/course doctor

lock: $(READY)  ## resolve the dependencies anew
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --no-header --no-annotate -o requirements.lock

# The environment: the locked packages, then this repository itself, editable.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
	    "Python 3.11 to 3.13 is needed; this is " + sys.version.split()[0] + \
	    ". Name another one: make PYTHON=python3.11 lab")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

clean:  ## remove what the commands made, but neither work/ nor grades
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
