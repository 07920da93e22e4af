#!/usr/bin/env bash
# One virtual environment for the model tool, its tests, the engine's SDK and the demo's client; every file is hash-checked.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv build/venv
build/venv/bin/pip install --disable-pip-version-check --quiet --no-deps --require-hashes --requirement requirements.txt
build/venv/bin/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable models
