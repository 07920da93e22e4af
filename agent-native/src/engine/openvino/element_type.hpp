// Datatypes and shapes of manifests in OpenVINO's terms.
#pragma once

#include <cstdint>
#include <openvino/core/shape.hpp>
#include <openvino/core/type/element_type.hpp>

#include "model/manifest.hpp"

namespace daris::engine::openvino {

[[nodiscard]] ov::element::Type element_type(model::Datatype datatype);

/// The tensor's shape with `batch` in place of -1.
[[nodiscard]] ov::Shape batched_shape(const model::Tensor& tensor, std::uint32_t batch);

}  // namespace daris::engine::openvino
