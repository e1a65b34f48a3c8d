# Each target does all the set-up it needs; a second time that takes a fraction of a second.
.POSIX:
.DEFAULT_GOAL = help
.PHONY: help demo test lint bench pictures package clean ready-to-run ready-to-test

help:
	@echo 'make demo      a simulated Fleet on an embedded server, in the window (ARGS="--hosts 5000 --seed 7")'
	@echo 'make test      all tests, on real servers (ARGS="tests/unit -k locks")'
	@echo 'make lint      style, types, layers, dead code'
	@echo 'make bench     speed and memory at 10k, 100k and 1M keys (ARGS="--keys 10000")'
	@echo 'make pictures  draws the pictures in docs/pictures anew'
	@echo 'make package   a wheel in dist/'
	@echo 'make clean     removes all that these commands made'

demo: ready-to-run
	@.venv/bin/fleetcache-gui demo $(ARGS)

test: ready-to-test
	@.venv/bin/python -m pytest -n 4 $(ARGS)

lint: ready-to-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/vulture

bench: ready-to-test
	@.venv/bin/python -m tests.bench $(ARGS)

pictures: ready-to-test
	@.venv/bin/fleetcache-gui pictures docs/pictures --seconds 40
	@.venv/bin/python -m tests.ui.docs_pictures docs/pictures

package: ready-to-run
	@.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist

clean:
	rm -rf .venv dist build demo-pictures .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready-to-run:
	@packaging/setup.sh run

ready-to-test:
	@packaging/setup.sh test
