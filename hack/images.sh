#!/usr/bin/env bash
# Builds the images with buildah, without a daemon, and writes build/images/NAME.tar (an OCI archive, compressed).
#   hack/images.sh [operator] [agent] [agent-cuda] [client]      absent: operator and agent; client is of make e2e alone
# The bases are the public ones; where no registry is reachable, or with DARIS_LOCAL_BASE=1, local stand-ins. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/images
mkdir -p "$out"
out=$(realpath "$out")
# Layers share files where the file system can; else each is a full copy.
if [ -z "${STORAGE_DRIVER:-}" ]; then
  grep -qw overlay /proc/filesystems && STORAGE_DRIVER=overlay || STORAGE_DRIVER=vfs
fi
export STORAGE_DRIVER
buildah=(nice -n 10 buildah --root "$out/storage" --runroot "$out/run")
base=()

choose_bases() {
  if [ -z "${DARIS_LOCAL_BASE:-}" ] &&
    timeout 120 "${buildah[@]}" pull --quiet docker.io/library/debian:bookworm-slim >/dev/null 2>&1; then
    echo "bases: the public images"
    return
  fi
  "${buildah[@]}" inspect --type image localhost/daris-base-node >/dev/null 2>&1 || nice -n 10 hack/local-base.sh "$out"
  base=(--pull-never)
  for name in node:NODE build:BUILD debian:RUNTIME; do
    base+=(--build-arg "${name#*:}_IMAGE=localhost/daris-base-${name%:*}")
  done
  echo "bases: local stand-ins"
}

# build NAME DOCKERFILE TARGET [IGNOREFILE]
build() {
  local started=$SECONDS reference=docker.io/daris/$1:dev
  # Times of files are those of the commit, so that equal sources make equal layers.
  "${buildah[@]}" bud --isolation chroot --network host --layers --file "$2" --target "$3" --ignorefile "${4:-.dockerignore}" "${base[@]}" \
    --timestamp "$(git log -1 --format=%ct)" --build-arg "VERSION=$(node -p 'require("./package.json").version')" \
    --build-arg "REVISION=$(git rev-parse HEAD)" --tag "$reference" .
  rm -f "$out/$1.tar"
  "${buildah[@]}" push --quiet --format oci "$reference" "oci-archive:$out/$1.tar:$reference"
  echo "$1: built in $((SECONDS - started)) s"
}

choose_bases
[ $# -gt 0 ] || set -- operator agent
for name in "$@"; do
  case $name in
    operator) build operator Dockerfile.operator operator ;;
    agent) build agent Dockerfile.agent cpu ;;
    agent-cuda) build agent-cuda Dockerfile.agent cuda ;;
    client) build client test/cluster/client/Dockerfile client test/cluster/client/ignore ;;
    *) echo "$name: there are operator, agent, agent-cuda, client" >&2 && exit 2 ;;
  esac
done
