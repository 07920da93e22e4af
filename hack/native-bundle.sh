#!/usr/bin/env bash
# Builds the runtime for an image and gathers its programs in FOLDER/bin, and in FOLDER/lib what they need of OpenVINO: the
# reader of ONNX and the CPU plugin. Libraries of Debian stay out: the image installs their packages.
#   hack/native-bundle.sh FOLDER SITE_PACKAGES [CMAKE ARGUMENTS]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${1:?the folder to make}")
openvino=${2:?the Python folder that has openvino}/openvino
shift 2
# Found from where the program lies, so that the folder may be put anywhere.
rpath='$ORIGIN;$ORIGIN/../lib;$ORIGIN/../torch/torch/lib;$ORIGIN/../torch/nvidia/cu13/lib'
# As it is built for the tests, assertions included, but for debugging symbols.
cmake -S agent-native -B build/image -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O2 -DDARIS_TESTS=OFF -DDARIS_BENCH=OFF \
  -DOpenVINO_DIR="$openvino/cmake" -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$folder/bin" -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
  -DCMAKE_INSTALL_RPATH="$rpath" "$@"
targets=(daris-runtime)
[[ $* != *-DDARIS_TORCH=ON* ]] || targets+=(daris_torch)
cmake --build build/image --target "${targets[@]}"
strip "$folder"/bin/*
mkdir -p "$folder/lib"
cp "$openvino"/libs/lib{openvino,openvino_onnx_frontend}.so.* "$openvino"/libs/libopenvino_intel_cpu_plugin.so \
  "$openvino"/libs/libtbb.so.12 "$folder/lib/"
# A library that is found nowhere would show only when the first model is loaded.
! LD_LIBRARY_PATH="$folder/lib" ldd "$folder"/bin/daris-* "$folder"/lib/*.so* | grep 'not found'
