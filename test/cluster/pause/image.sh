#!/usr/bin/env bash
# Makes the image of the pods' first container as an archive: image.sh NAME FILE
set -euo pipefail
name=${1:?usage: image.sh NAME FILE}
archive=${2:?usage: image.sh NAME FILE}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -static -Os -o "$work/pause" "$here/pause.c"
buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" copy --quiet "$container" "$work/pause" /pause >/dev/null
"${buildah[@]}" config --entrypoint '["/pause"]' --user 65532:65532 "$container"
"${buildah[@]}" commit --quiet "$container" "$name" >/dev/null
"${buildah[@]}" push --quiet "$name" "oci-archive:$archive:$name"
