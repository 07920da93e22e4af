#!/usr/bin/env bash
# Installs the Debian packages named in a file that are not there yet; asks for root only when something is missing.
set -euo pipefail
list=${1:?usage: debian-packages.sh FILE}
missing=()
while read -r package; do
  dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done < "$list"
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing ${missing[*]}"
root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo > /dev/null || { echo "not root and no sudo: install ${missing[*]} first" >&2; exit 1; }
  root=(sudo)
fi
"${root[@]}" apt-get update
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
