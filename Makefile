# `make book` builds the site, `make test` checks everything. Each makes .venv first if it is missing, and installs what
# it needs itself if that is not there yet.

PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
READY := .venv/.ready
READY_TO_TEST := .venv/.ready-to-test
LIBRARY := $(shell find ncl_lib -name "*.py" -o -name "*.js")

# One thread of linear algebra for each of the processes, which would get in each other's way.
PYTEST := MPLBACKEND=agg TQDM_DISABLE=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

.PHONY: book course test coverage notebooks serve bench clean lock

book: $(READY) _build/.library _build/.site _build/.course
	$(BIN)/python book/execute.py _build
	TQDM_DISABLE=1 $(BIN)/jupyter-book build book -W -n --keep-going
	@echo "Open _build/html/index.html, or run: make serve"

# The build has run every chapter, and tests read what came of it; nbmake runs two as the notebooks that readers open.
test: $(READY_TO_TEST) book
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf _notebooks
	$(BIN)/python tests/chapters_to_notebooks.py book _notebooks intro puzzle/flows-on-a-line
	$(PYTEST) --doctest-modules --nbmake --nbmake-timeout=180 tests ncl_lib _notebooks

# Which lines the tests of the library reach; apart, since it slows every step of every solver down.
coverage: $(READY_TO_TEST)
	$(PYTEST) --doctest-modules --cov=ncl_lib --cov-report=term-missing --cov-fail-under=95 tests ncl_lib

# Every chapter anew, as a notebook, past all caches.
notebooks: $(READY_TO_TEST)
	rm -rf _notebooks
	$(BIN)/python tests/chapters_to_notebooks.py book _notebooks
	$(PYTEST) --nbmake --nbmake-timeout=180 _notebooks

# Assignments: student versions, archives for graders, solutions.
course: $(READY) _build/.course

serve: book
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

bench: $(READY_TO_TEST)
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/page_weight.py
	$(BIN)/python benchmarks/redraw.py

clean:
	rm -rf _build _notebooks .pytest_cache .ruff_cache .hypothesis .coverage book/conf.py

# Pin every package anew from pyproject.toml: all of them together, and then of these what a build and what Binder needs.
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --annotation-style line --build-deps-for editable \
	--no-emit-index-url --no-emit-find-links --no-header
NOTEBOOKS := --extra jupyter --extra checks
lock: $(READY)
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --upgrade --all-extras --output-file requirements-tests.txt pyproject.toml
	rm requirements.txt .binder/requirements.txt
	$(COMPILE) --constraint requirements-tests.txt $(NOTEBOOKS) --extra images --extra book \
		--output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements-tests.txt $(NOTEBOOKS) --output-file .binder/requirements.txt pyproject.toml

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
$(READY): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --requirement requirements.txt
	$(INSTALL) --no-deps --constraint requirements-tests.txt otter-grader fica
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(READY_TO_TEST): $(READY) requirements-tests.txt
	$(INSTALL) --requirement requirements-tests.txt
	touch $@

# A change in the library is a change of the reference, and of all that lists its pages.
_build/.library: $(LIBRARY) requirements.txt
	rm -rf _build/.doctrees
	mkdir -p _build
	touch $@

_build/.course: $(READY) $(wildcard course/*) $(LIBRARY)
	$(BIN)/python course/build.py _build/course
	touch $@

# Pages that have not changed are not written again, nor are style sheets copied.
_build/.site: $(wildcard book/_*/*.* ncl_lib/widgets/front/*.js ncl_lib/*/*.json) book/_toc.yml _config.yml
	rm -rf _build/html
	mkdir -p _build
	touch $@
