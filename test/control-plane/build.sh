#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from Go modules into build/control-plane/bin; with `node`
# as argument what a real node needs beside them: kubelet, kube-scheduler, kube-proxy and CoreDNS.
# A set is built again only when its go.mod, its go.sum or this script has changed. A line and a time each.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/build/control-plane
mkdir -p "$out/bin"

kubernetes=v1.36.4
version=k8s.io/component-base/version
# Without these flags the server calls itself v0.0.0, and clients that compare versions refuse it.
kube_flags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=36"

# usage: build TITLE MODULE LINKER_FLAGS BINARY GO_BUILD_ARGUMENTS...
build() {
  local title=$1 module=$2 flags=$3 binary=$4 stamp=$out/$4.sum started=$SECONDS sum
  shift 4
  sum=$(cat "$here/$module/go.mod" "$here/$module/go.sum" "$here/build.sh" | sha256sum)
  if [[ -x $out/bin/$binary && -f $stamp && $(<"$stamp") == "$sum" ]]; then
    echo "$title: up to date"
    return
  fi
  (cd "$here/$module" && CGO_ENABLED=0 nice -n 10 go build -p 2 -trimpath -ldflags "$flags" "$@")
  echo "$sum" >"$stamp"
  echo "$title: built in $((SECONDS - started)) s"
}

case ${1:-} in
  '')
    build "etcd v3.6.14" etcd "-s -w" etcd -o "$out/bin/etcd" go.etcd.io/etcd/server/v3
    build "kubernetes $kubernetes" kube "$kube_flags" kube-apiserver -o "$out/bin/" \
      k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl
    ;;
  node)
    build "node of kubernetes $kubernetes" kube "$kube_flags" kubelet -o "$out/bin/" \
      k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kube-proxy
    build "CoreDNS v1.12.4" coredns "-s -w" coredns -o "$out/bin/coredns" github.com/coredns/coredns
    ;;
  *) echo "usage: build.sh [node]" >&2 && exit 2 ;;
esac
