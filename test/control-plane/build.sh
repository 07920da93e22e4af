#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from Go modules into build/control-plane/bin.
# Each module is built again only when its go.mod, go.sum or this script has changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../hack/steps.sh"
out=$root/build/control-plane
mkdir -p "$out/bin"

kubernetes=v1.36.4
version=k8s.io/component-base/version
# Without these flags the server calls itself v0.0.0, and clients that compare versions refuse it.
kube_flags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=36"

# A subshell, since the module is found by the working folder.
go_build() (
  local module=$1 flags=$2
  shift 2
  cd "$here/$module"
  CGO_ENABLED=0 nice -n 10 go build -p 2 -trimpath -ldflags "$flags" "$@"
)

build() {
  local title=$1 module=$2 flags=$3 target=$4
  shift 4
  [[ -x $target ]] || rm -f "$out/$module.sum"
  step_unless_same "$title" "$out/$module.sum" "$here/$module/go.mod" "$here/$module/go.sum" "$here/build.sh" -- \
    go_build "$module" "$flags" "$@"
}

build "etcd v3.6.14" etcd "-s -w" "$out/bin/etcd" -o "$out/bin/etcd" go.etcd.io/etcd/server/v3
build "kubernetes $kubernetes" kube "$kube_flags" "$out/bin/kubectl" -o "$out/bin/" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl
