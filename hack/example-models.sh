#!/usr/bin/env bash
# Builds the packages that examples/ name, and records their digests.
set -euo pipefail
cd "$(dirname "$0")/.."
build/venv/bin/daris-package examples --large --output build/models
build/venv/bin/daris-package examples --large --output build/models --digests > build/models/digests.txt
