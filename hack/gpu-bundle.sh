#!/usr/bin/env bash
# Gathers what a machine with a GPU and PyTorch needs to run the GPU tests and benchmarks into one folder: the programs,
# the torch engine beside them, and those of their shared libraries that such a machine may lack. Torch's and CUDA's
# own come from the Python installation there.
#   hack/gpu-bundle.sh FOLDER [PROGRAM...]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?the folder to make}
shift
programs=("$@")
[ ${#programs[@]} -gt 0 ] || programs=(gpu-bench)

rm -rf "$folder"
mkdir -p "$folder/lib"
strip -o "$folder/libdaris_torch.so" build/bin/libdaris_torch.so
for program in daris-worker "${programs[@]}"; do
  strip -o "$folder/$program" "build/bin/$program"
  ldd "build/bin/$program"
done | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
  grep -Ev '/(torch|nvidia)/|/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*|libstdc\+\+|libgcc_s)\.so' |
  xargs -r -I{} cp -L {} "$folder/lib/"
ldd build/bin/libdaris_torch.so | awk '$3 ~ /lib(crypto|archive)\.so/ { print $3 }' | xargs -r -I{} cp -L {} "$folder/lib/"
dirty=$(git status --porcelain -- ':!bench/results')
echo "$(git rev-parse --short=12 HEAD)${dirty:+-dirty}" >"$folder/commit"
tar -C "$folder" -cJf "$folder/lib.tar.xz" lib && rm -rf "$folder/lib"
du -sh "$folder"
