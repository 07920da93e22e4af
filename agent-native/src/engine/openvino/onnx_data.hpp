// Whether an ONNX file is complete and keeps its weights inside.
#pragma once

#include <cstddef>
#include <span>

namespace daris::engine::openvino {

enum class OnnxData {
  kInside,
  /// A tensor names another file. A package could so have any file of the node read into a model: refused.
  kExternal,
  /// Not protobuf all the way to the end.
  kMalformed,
};

/// Walks the messages that can hold tensors (protobuf's wire format, onnx.proto's field
/// numbers), and nothing else.
[[nodiscard]] OnnxData check_onnx_data(std::span<const std::byte> file);

}  // namespace daris::engine::openvino
