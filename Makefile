# make run     the whole product on this machine          PORT=8000 DATA_DIR=var
# make test    every test, in a real browser too          ONLY=words-in-test-names
# make check   lint, types and the fast tests, in under a minute
# make prove   the proofs at full size                    ONLY=one-of-them
# make bench   one JSON line per figure                   ONLY=figure,figure BENCH_DIR=…
# make faults  the fault campaign                         SEED= OPERATIONS= BUG=
# make css messages   rebuild what is committed built: styles (needs npm), payers' words in Hindi
#
# All of it brings its own PostgreSQL. To use another server:
#   make test DATABASE_URL=postgresql://user:password@host:5432/payments
# (for tests the role must be allowed to create databases; PostgreSQL 15 or newer)

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= var
export PORT DATA_DIR ONLY SEED OPERATIONS BUG BENCH_DIR DATABASE_URL

# A run of the tests starts Python some hundred times. Where the environment forbids to keep what is
# compiled, as containers do, each start would compile Django and all else anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-print-directory --no-builtin-rules
BIN := .venv/bin
PYTEST := exec $(BIN)/python -m pytest $(if $(ONLY),-k "$(ONLY)")

.PHONY: run test check prove bench faults css messages

run: .venv/demo.installed
	@exec $(BIN)/python -m config.supervisor

test: .venv/dev.installed
	@$(PYTEST) -n 2 --dist loadgroup

check: .venv/dev.installed
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@MODE=test SECRET_KEY=types $(BIN)/mypy
	@$(PYTEST) -q -n 2 -m "not browser and not proof and not slow"

prove: .venv/dev.installed
	@PROOF=full $(PYTEST) -m proof

bench: .venv/dev.installed
	@exec $(BIN)/python -m benchmarks

faults: .venv/dev.installed
	@exec $(BIN)/python -m tests.faults

css:
	@cd frontend && npm ci --silent && npm run --silent build

messages: .venv/dev.installed
	@$(BIN)/python -m config.messages

# One virtual environment, brought up to date when a requirements file changes. uv is quick but
# knows nothing of pip's mirror settings, so pip has the last word: it only looks, if uv did all.
.venv/%.installed: requirements.txt requirements-demo.txt requirements-%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11 …")'
	@echo "Installing requirements-$*.txt into .venv, once."
	@umask 022; [ -x $(BIN)/python ] || exec $(PYTHON) -m venv .venv
	@umask 022; if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -r requirements-$*.txt 2>/dev/null || true; fi
	@umask 022; exec $(BIN)/python -m pip install -qq --no-input --no-compile --disable-pip-version-check -r requirements-$*.txt
	@touch $@ .venv/demo.installed
