# Sourced by what runs on a machine with a GPU: where the Python installation keeps torch's and CUDA's libraries.
# BUNDLE is the folder that hack/gpu-bundle.sh made.
torch_libraries() {
  python3 - <<'PYTHON'
import pathlib

import torch

site = pathlib.Path(torch.__file__).resolve().parent.parent
print(":".join(str(folder) for folder in [site / "torch" / "lib", *sorted(site.glob("nvidia/*/lib"))]))
PYTHON
}

libraries=$(mktemp -d)
tar -C "$libraries" -xJf "$BUNDLE/lib.tar.xz"
LD_LIBRARY_PATH="$(torch_libraries):$libraries/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH

# package NAME ARGUMENT...: builds a package with daris-package unless it is there already.
package() {
  local name=$1
  shift
  [ -f "$PACKAGES/$name/model.json" ] && return 0
  PYTHONPATH=models python3 -m daris_package torch "$@" --name "$name" --onnx-batches none -o "$PACKAGES/$name" \
    >"$RESULTS/package-$name.log" 2>&1 || {
    echo "package $name failed:"
    tail -20 "$RESULTS/package-$name.log"
    return 1
  }
}
