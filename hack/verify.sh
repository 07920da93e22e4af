#!/usr/bin/env bash
# All static checks. Generated files are made anew and must come out as they were.
set -euo pipefail
cd "$(dirname "$0")/.."
generated=(api/gen node-agent/native/gen docs/reference docs/figures docs/gpu.md docs/paper.md docs/paper-model.md docs/choosing.md README.md helm/daris/files/crds helm/daris/files/dashboard.json)

fingerprint() { git ls-files -coz --exclude-standard -- "${generated[@]}" | sort -z | xargs -0 sha256sum; }

check() { hack/step.sh "$@"; }

before=$(fingerprint)
check "generate" make --no-print-directory generate
if [ "$before" != "$(fingerprint)" ]; then
  echo "generated files were out of date; they are fresh now: review and commit them" >&2
  git status --short "${generated[@]}" >&2
  exit 1
fi
check "format TypeScript" prettier --check .
check "format C++" bash -c "git ls-files 'agent-native/*.cpp' 'agent-native/*.hpp' | xargs clang-format --dry-run --Werror"
check "format Python" ruff format --check models
check "lint Python" ruff check models
check "format Python of GPUs" ruff --config models/pyproject.toml format --check bench/gpu test/gpu
check "lint Python of GPUs" ruff --config models/pyproject.toml check bench/gpu test/gpu
check "lint, import rules, cycles" oxlint --deny-warnings
check "types" tsc -p tsconfig.test.json
check "build" tsc -p tsconfig.json
check "format Go" bash -c "test -z \"\$(gofmt -l test/chart/tools)\""
check "native includes" node hack/check-native-includes.ts
