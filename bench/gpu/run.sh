#!/usr/bin/env bash
# The experiments on a machine that has a GPU and PyTorch. Each writes one JSON document to OUT and says what it finds
# while it runs; `node bench/gpu/collect.ts OUT` makes results and figures of them.
#   bench/gpu/run.sh BUNDLE OUT [EXPERIMENT[:SECONDS]...]
# BUNDLE: made by hack/gpu-bundle.sh; PACKAGES (/tmp/daris-packages) keeps what `packages`, the first one, compiles.
# SECONDS (480) is what an experiment may take; SCALE lengthens or shortens every window; MPS=1 adds its modes to task
# sets. An experiment that fails leaves the others to be run.
set -uo pipefail
cd "$(dirname "$0")/../.."
BUNDLE=$(realpath "${1:?the bundle}")
OUT=$(realpath -m "${2:?the folder of results}")
shift 2
[ $# -gt 0 ] || set -- packages overhead peers migration identity load-beside sets-resnet18 sets-unet \
  sets-inceptionv3 sets-resnet50 unbatched soak
. test/gpu/environment.sh

failed=0
for experiment in "$@"; do
  limit=480
  [ "$experiment" = "${experiment%:*}" ] || limit=${experiment#*:}
  PYTHONUNBUFFERED=1 PYTHONPATH="bench/gpu:models" python3 -m experiments "${experiment%:*}" --bundle "$BUNDLE" \
    --out "$OUT" --packages "${PACKAGES:-/tmp/daris-packages}" --limit "$limit" --scale "${SCALE:-1}" ${MPS:+--mps} || failed=1
done
exit "$failed"
