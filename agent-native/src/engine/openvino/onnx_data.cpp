#include "engine/openvino/onnx_data.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace daris::engine::openvino {
namespace {

using Bytes = std::span<const std::byte>;

enum class Message { kModel, kFunction, kGraph, kNode, kAttribute, kSparse, kTensor };

struct Child {
  Message parent;
  std::uint64_t field;
  Message child;
};

// onnx.proto: which fields of which message lead to tensors.
constexpr std::array kChildren = {
    Child{Message::kModel, 7, Message::kGraph},       Child{Message::kModel, 25, Message::kFunction},
    Child{Message::kFunction, 7, Message::kNode},     Child{Message::kFunction, 11, Message::kAttribute},
    Child{Message::kGraph, 1, Message::kNode},        Child{Message::kGraph, 5, Message::kTensor},
    Child{Message::kGraph, 15, Message::kSparse},     Child{Message::kNode, 5, Message::kAttribute},
    Child{Message::kAttribute, 5, Message::kTensor},  Child{Message::kAttribute, 6, Message::kGraph},
    Child{Message::kAttribute, 10, Message::kTensor}, Child{Message::kAttribute, 11, Message::kGraph},
    Child{Message::kAttribute, 22, Message::kSparse}, Child{Message::kAttribute, 23, Message::kSparse},
    Child{Message::kSparse, 1, Message::kTensor},     Child{Message::kSparse, 2, Message::kTensor},
};
constexpr std::uint64_t kTensorExternalData = 13;
constexpr std::uint64_t kTensorDataLocation = 14;
constexpr int kMaxDepth = 100;  // protobuf's own limit

// One field off the front of a message; `bytes` is its content where it has a length.
struct Field {
  std::uint64_t number;
  std::uint64_t value;
  Bytes bytes;
};

std::optional<std::uint64_t> take_varint(Bytes& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<std::uint64_t>(rest.front());
    rest = rest.subspan(1);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Bytes> take_bytes(Bytes& rest, std::uint64_t size) {
  if (size > rest.size()) return std::nullopt;
  const Bytes taken = rest.first(size);
  rest = rest.subspan(size);
  return taken;
}

std::optional<Field> take_field(Bytes& rest) {
  const auto key = take_varint(rest);
  if (!key) return std::nullopt;
  Field field{.number = *key >> 3, .value = 0, .bytes = {}};
  std::optional<std::uint64_t> size;
  switch (*key & 7) {
    case 0: {
      const auto value = take_varint(rest);
      if (!value) return std::nullopt;
      field.value = *value;
      return field;
    }
    case 1:
      size = 8;
      break;
    case 2:
      size = take_varint(rest);
      break;
    case 5:
      size = 4;
      break;
    default:
      return std::nullopt;
  }
  const auto bytes = size ? take_bytes(rest, *size) : std::nullopt;
  if (!bytes) return std::nullopt;
  field.bytes = *bytes;
  return field;
}

OnnxData walk(Bytes rest, Message message, int depth) {
  if (depth > kMaxDepth) return OnnxData::kMalformed;
  while (!rest.empty()) {
    const auto field = take_field(rest);
    if (!field) return OnnxData::kMalformed;
    if (message == Message::kTensor) {
      if (field->number == kTensorExternalData) return OnnxData::kExternal;
      if (field->number == kTensorDataLocation && field->value != 0) return OnnxData::kExternal;
      continue;
    }
    const auto* child = std::ranges::find_if(
        kChildren, [&](const Child& each) { return each.parent == message && each.field == field->number; });
    if (child == kChildren.end()) continue;
    const OnnxData inner = walk(field->bytes, child->child, depth + 1);
    if (inner != OnnxData::kInside) return inner;
  }
  return OnnxData::kInside;
}

}  // namespace

OnnxData check_onnx_data(std::span<const std::byte> file) {
  return file.empty() ? OnnxData::kMalformed : walk(file, Message::kModel, 0);
}

}  // namespace daris::engine::openvino
