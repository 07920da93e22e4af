#!/usr/bin/env bash
# Compiles operator and agent, and gathers what runs in an image: the JavaScript and its production modules, without types,
# maps and texts. Expects what `npm ci` has made.
#   hack/javascript-bundle.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${1:?the folder to make}")
mkdir -p "$folder"
node_modules/.bin/tsc -p tsconfig.json --outDir "$folder" --sourceMap false
cp package.json LICENSE "$folder"
node hack/production-modules.mjs | while read -r module; do
  # Some are for other platforms and were not installed. Modules inside a module have a line of their own.
  [ ! -d "$module" ] || tar -cf - --exclude='*.map' --exclude='*.d.ts' --exclude='*.d.cts' --exclude='*.d.mts' --exclude='*.md' \
    --exclude='*.ts' --exclude="$module/node_modules" "$module"
done | tar -C "$folder" -xif -
rm -rf "$folder/node_modules/@types"
