#!/bin/sh
# Sets up build/venv: OpenVINO (its wheel holds the C++ SDK) and onnx, at the versions and hashes of
# hack/openvino-requirements.txt. Does nothing when the folder is there for these very requirements.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
requirements=$root/hack/openvino-requirements.txt
venv=${DARIS_VENV:-$root/build/venv}

if [ -f "$venv/.requirements" ] && cmp -s "$requirements" "$venv/.requirements"; then
  exit 0
fi
python=$(command -v python3.11 || command -v python3)
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
  echo "openvino.sh: $("$python" --version) found, but the wheels are for Python 3.11: install python3.11" >&2
  exit 1
fi
mkdir -p "$(dirname "$venv")"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --no-deps --require-hashes --requirement "$requirements"
cp "$requirements" "$venv/.requirements"
