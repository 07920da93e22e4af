#include "engine/openvino/element_type.hpp"

namespace daris::engine::openvino {

ov::element::Type element_type(model::Datatype datatype) {
  switch (datatype) {
    case model::Datatype::kFp32:
      return ov::element::f32;
    case model::Datatype::kFp16:
      return ov::element::f16;
    case model::Datatype::kInt64:
      return ov::element::i64;
    case model::Datatype::kInt32:
      return ov::element::i32;
    case model::Datatype::kInt8:
      return ov::element::i8;
    case model::Datatype::kUint8:
      return ov::element::u8;
    case model::Datatype::kBool:
      return ov::element::boolean;
  }
  return ov::element::dynamic;
}

ov::Shape batched_shape(const model::Tensor& tensor, std::uint32_t batch) {
  ov::Shape shape{batch};
  for (std::size_t i = 1; i < tensor.shape.size(); ++i)
    shape.push_back(static_cast<std::size_t>(tensor.shape[i]));
  return shape;
}

}  // namespace daris::engine::openvino
