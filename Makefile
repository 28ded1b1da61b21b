# make demo    set up, run the main job, stay up until Ctrl-C
# make test    set up, start the real servers that the tests use, run everything, stop them
# make test-faults   every system call and every byte at which a fault can strike, instead of one of each step
# make test-power    power cuts, on a file system that loses what was not synced (needs /dev/fuse)
# make bench   measure; make bench ONLY=ingest measures one group
# make lock    write the hash-pinned requirements anew from pyproject.toml
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
ONLY ?=

.PHONY: demo test test-faults test-power bench lint lock
demo: $(VENV)/demo.ready
	.ci/packages demo
	LD_LIBRARY_PATH="$$(ls -d .cache/odbc/usr/lib/* 2>/dev/null):$$LD_LIBRARY_PATH" $(RUN) -m gateway.operate demo

test: $(VENV)/test.ready
	.ci/packages test
	$(RUN) -m pytest -q -n 2 --max-worker-restart 0 --dist loadfile tests

test-faults: $(VENV)/test.ready
	.ci/packages test
	GATEWAY_FAULTS=all $(RUN) -m pytest -q -o faulthandler_timeout=0 tests/faults

test-power: $(VENV)/test.ready
	.ci/packages power
	.ci/lazyfs
	GATEWAY_POWER=1 $(RUN) -m pytest -q -rs -o faulthandler_timeout=0 tests/faults/power

bench: $(VENV)/test.ready
	.ci/packages test
	$(RUN) -m tests.benchmarks $(ONLY)

lint: $(VENV)/test.ready
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy && $(VENV)/bin/lint-imports

$(VENV)/bin/python:
	$(PYTHON) -m venv --without-pip $(VENV)

INSTALL = $(PYTHON) -m pip --python $(RUN) install --quiet --disable-pip-version-check

$(VENV)/%.ready: requirements.txt requirements-test.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements$(if $(filter test,$*),-test).txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

lock:
	uv pip compile pyproject.toml --extra build $(LOCK) -o requirements.txt
	uv pip compile pyproject.toml --extra build --extra test $(LOCK) -o requirements-test.txt
LOCK = --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
