#!/usr/bin/env bash
# The whole system on a machine with a GPU that has Python and PyTorch and nothing else of ours: packages are made there,
# then test/gpu/stack.ts runs on what the bundle brings.
#   test/gpu/stack.sh BUNDLE OUT [ENGINE]     BUNDLE: made by hack/gpu-stack-bundle.sh; ENGINE: torch (default) or sim
# GPUS: how many of the machine's are served (1); PACKAGES: where packages are, or are made (absent: /tmp/daris-packages); SECONDS_SERVING: how long to serve (60);
# PYTHON: what makes packages for sim (python3). OUT gets summary.json, bad-input.json or several-gpus.json, objects.yaml,
# agent-metrics.txt and, however it ends, logs.tar.xz.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUNDLE=$(realpath "${1:?the bundle}")
RESULTS=$(realpath -m "${2:?the folder of results}")
engine=${3:-torch}
PACKAGES=${PACKAGES:-/tmp/daris-packages}
mkdir -p "$RESULTS" "$PACKAGES"
models=$(pwd)/models

root=$(mktemp -d)
finish() {
  cd /
  rm -rf "$root"
  [ ! -d "$RESULTS/logs" ] || { tar -C "$RESULTS" -cJf "$RESULTS/logs.tar.xz" logs && rm -r "$RESULTS/logs"; }
}
trap finish EXIT
for part in system lib; do tar -C "$root" -xJf "$BUNDLE/$part.tar.xz"; done
mkdir -p "$root/bin" "$root/build/control-plane/bin"
unpack() { xz -dc "$BUNDLE/$1.xz" >"$2/$1" && chmod +x "$2/$1"; }
unpack node "$root/bin"
for program in etcd kube-apiserver kubectl; do unpack "$program" "$root/build/control-plane/bin"; done

if [ "$engine" = torch ]; then
  . test/gpu/environment.sh
  # Of random weights: deep networks of these differ more from FP32 than trained ones.
  for name in resnet18 resnet50 unet; do package "$name" "$name" --stages 4 --batches 1 --tolerance 0.1 & done
  wait
  found_by=$LD_LIBRARY_PATH
  unset LD_LIBRARY_PATH # python's and the programs' of this machine need none of it
else
  found_by=$root/lib
  simulated() {
    [ -f "$PACKAGES/$1/model.json" ] ||
      (cd "$models" && "${PYTHON:-python3}" -m daris_package sim --name "$1" --stages "$2" --output "$PACKAGES/$1" >/dev/null)
  }
  simulated resnet18 120us,120us,110us,100us
  simulated resnet50 250us,260us,250us,240us
  simulated unet 500us,600us,600us,500us
fi

cd "$root"
"$root/bin/node" --disable-warning=ExperimentalWarning test/gpu/stack.ts --engine="$engine" --models="$PACKAGES" \
  --out="$RESULTS" --libraries="$found_by" --seconds="${SECONDS_SERVING:-60}" --gpus="${GPUS:-1}" --commit="$(cat "$BUNDLE/commit")"
