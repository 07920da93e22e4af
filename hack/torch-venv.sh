#!/usr/bin/env bash
# A virtual environment of its own for the wheels that the torch engine is built against: nobody without a GPU needs them.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv build/torch-venv
build/torch-venv/bin/pip install --disable-pip-version-check --quiet --no-deps --requirement requirements-cuda.txt
