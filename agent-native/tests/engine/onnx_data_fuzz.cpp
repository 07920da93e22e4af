// Any bytes can be asked whether they are an ONNX file with its weights inside: no crash, no
// undefined behaviour.
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/openvino/onnx_data.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)daris::engine::openvino::check_onnx_data(std::as_bytes(std::span(data, size)));
  return 0;
}
