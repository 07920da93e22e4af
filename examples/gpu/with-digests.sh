#!/usr/bin/env bash
# Reads InferenceModels and writes them with the digests of the packages that lie below MODEL_ROOT.
#   examples/gpu/with-digests.sh MODEL_ROOT <examples/gpu/models.yaml
set -euo pipefail
root=${1:?the model root}
name=
while IFS= read -r line; do
  case $line in
    *'uri: file:///'*) name=${line##*file:///} ;;
    *'digest: sha256:'*)
      [ -f "$root/$name/model.json" ] || { echo "$root/$name/model.json is missing: make it with daris-package" >&2; exit 1; }
      line="${line%%sha256:*}sha256:$(sha256sum "$root/$name/model.json" | cut -d ' ' -f 1)"
      ;;
  esac
  printf '%s\n' "$line"
done
