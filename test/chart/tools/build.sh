#!/usr/bin/env bash
# Builds what the chart's tests run into build/chart-tools/bin, from Go modules with pinned sums: helm, promtool, and
# status-of, which asks the libraries of kstatus and Argo CD's Lua what they make of an object. A line and a time each.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../../.." && pwd)/build/chart-tools
mkdir -p "$out/bin"

# usage: build MODULE BINARY PACKAGE [GO_BUILD_ARGUMENTS...]
build() {
  local module=$1 binary=$2 package=$3 stamp=$out/$1.sum started=$SECONDS sum
  shift 3
  sum=$(find "$here/$module" "$here/build.sh" -type f | sort | xargs cat | sha256sum)
  if [[ -x $out/bin/$binary && -f $stamp && $(<"$stamp") == "$sum" ]]; then
    echo "$binary: up to date"
    return
  fi
  (cd "$here/$module" && CGO_ENABLED=0 nice -n 10 go build -p 2 -trimpath -ldflags "-s -w" "$@" -o "$out/bin/$binary" "$package")
  echo "$sum" >"$stamp"
  echo "$binary: built in $((SECONDS - started)) s"
}

build helm helm helm.sh/helm/v4/cmd/helm
# Without service discovery, whose clients of every cloud are most of it.
build promtool promtool github.com/prometheus/prometheus/cmd/promtool -tags remove_all_sd
build status-of status-of .
