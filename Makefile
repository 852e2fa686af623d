# Needs Python 3.11 or newer, git and make; everything else goes into .venv. `make help` lists the targets.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
# Tests start hundreds of Python processes: where modules are compiled anew in each, that takes longer than the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo man vsix test test-short lint bench bench-modules bench-databases bench-debugging load soak fuzz debugged-suite judged-values travelled-points hostile variants spec-expected pictures plugins site clean

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## */\t/' | expand -t 16

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[wasmtime]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all,bench,dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo   ## run a plugin from a script on two engines and compare
	@$(BIN)/zenowasm demo

dist: $(VENV)/.dev    ## build wheel and source distribution, and check them
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

test: $(VENV)/.dev    ## lint, types, layers, then every test
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n $(WORKERS)

# What takes long and hardly depends on the Python: random programs, hostile guests, soaks, large modules, compilers, the text
# format and its tools, recordings and what is made of them, clients of the debugger, and what the official suite and the
# host's own tests say too.
CAMPAIGNS = spec-tests/abi spec-tests/core/test_debugged.py tests/bench tests/differential tests/docs tests/examples \
	tests/hostile tests/interp/text tests/packaging tests/real_modules tests/table \
	$(addprefix tests/zenowasm/,bench conformance coredumps debuginfo frontends/dap frontends/gdb frontends/tui profiling recordings timetravel tools) \
	tests/zenowasm/plugin/test_record.py tests/zenowasm/toolchains \
	$(addprefix tests/zenowasm/testing/test_,c_sdk.py pytest_plugin.py) \
	$(addprefix tests/zenowasm/cli/test_,ask.py completion.py coredump.py coverage.py dap.py gdb.py man.py plugin_build.py profile.py record.py trap_lines.py) \
	tests/zenowasm/cli/test_tui.py
test-short: $(VENV)/.dev ## every test but the long campaigns; for a second Python: PYTHON=python3.13 VENV=.venv-3.13
	$(BIN)/python -m pytest -n $(WORKERS) $(addprefix --ignore=,$(CAMPAIGNS))

lint: $(VENV)/.dev    ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev   ## measure engines and plugin hosts side by side
	$(BIN)/zenowasm bench

bench-modules: $(VENV)/.dev ## decode and validate large modules from npm, beside wasmtime's compiler
	$(BIN)/python bench/real_modules.py

round-trips: $(VENV)/.dev ## print large modules from npm and PyPI as text, read them back, and compare
	$(BIN)/python bench/round_trips.py

bench-databases: $(VENV)/.dev ## a query by primary key through a connection, beside sqlite3 in one process
	$(BIN)/python bench/databases.py

bench-debugging: $(VENV)/.dev ## what recording a run costs, watching it with a debugger, and going back in it
	$(BIN)/python bench/debugging.py
	$(BIN)/python bench/recording.py
	$(BIN)/python bench/travelling.py

load: $(VENV)/.dev    ## slot calls a second and their p50 and p99, on every engine and on Extism
	$(BIN)/zenowasm bench --only slot

soak: $(VENV)/.dev    ## 100,000 slot calls with reloads, traps and timeouts; signals, small stacks and forks; a script 50 times
	$(BIN)/python bench/soak_slots.py
	$(BIN)/python bench/soak.py
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) $(addprefix tests/hostile/test_,signals.py stacks.py forks.py)

fuzz: $(VENV)/.dev    ## run generated modules on two engines and compare; CASES=20000 SEED=0
	$(BIN)/python tests/differential/campaign.py --cases $(or $(CASES),20000) --seed $(or $(SEED),0)

debugged-suite: $(VENV)/.dev ## the official suite, single-stepped and with a breakpoint at every function
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) spec-tests/core/test_debugged.py

travelled-points: $(VENV)/.dev ## states at 10,000 points of three programs, reached forwards and backwards
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) tests/zenowasm/timetravel/test_points.py

judged-values: $(VENV)/.dev ## compare every variable at every line of programs in C and Rust with LLDB's
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) tests/zenowasm/debuginfo/test_judged_values.py

variants: $(VENV)/.dev ## every scenario of the plugin ABI in every combination of what guests pay for on wasmtime
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) spec-tests/abi

hostile: $(VENV)/.dev ## attack the host with generated guests, databases, servers and signals: every case, not a sample
	ZENOWASM_CAMPAIGN=1 $(BIN)/python -m pytest -n $(WORKERS) tests/hostile

spec-expected: $(VENV)/.dev ## write down anew what each engine fails of the official suite
	$(BIN)/python spec-tests/regenerate.py

site: $(VENV)/.dev    ## build the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

man: $(VENV)/.dev     ## write the manual pages to build/man
	$(BIN)/python -m zenowasm.cli.man build/man

vsix:            ## package the extension for VS Code into build/; .ci/toolchains.sh brings the packager
	cd editors/vscode && ../../build/toolchains/node_modules/.bin/vsce package --no-dependencies \
		--allow-missing-repository --out $(abspath build)

pictures: $(VENV)/.dev ## draw the pictures of the documentation anew
	PATH="$(abspath $(VENV)/bin):$$PATH" python docs/images/make.py

EXAMPLES := $(patsubst %/manifest.yaml,%,$(wildcard examples/plugins/*/manifest.yaml examples/unbuilt/*/manifest.yaml))
plugins: $(VENV)/.dev ## build the example plugins again from their sources; .ci/toolchains.sh brings the compilers
	PYTHON=$(abspath $(BIN)/python) sh examples/plugins/hello/build.sh
	@export PATH="$(abspath build/toolchains/node_modules/.bin):$$PATH"; \
	for folder in $(filter-out %/hello,$(EXAMPLES)); do $(BIN)/zenowasm plugin build $$folder || exit 1; done

clean:           ## remove what the other targets made
	rm -rf $(VENV) .venv-* site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
