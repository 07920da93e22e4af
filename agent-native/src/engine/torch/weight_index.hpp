// Where a stage's weights lie in the file that all its batch sizes share: the index in the metadata of its
// .pt2, which `daris-package torch` writes. Plain text here; nothing of torch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace daris::engine::torch {

/// The metadata's key of the index.
inline constexpr const char* kWeightIndexKey = "daris_weights";

/// One weight. All that its shape and strides reach lies in the file.
struct WeightPlace {
  std::string name;                   ///< as the module calls it
  std::string datatype;               ///< torch's word, such as "float16"
  std::vector<std::int64_t> shape;    ///< elements
  std::vector<std::int64_t> strides;  ///< elements, none negative
  std::uint64_t offset;               ///< bytes from the file's begin
};

/// Reads an index over a file of so many bytes. Throws std::invalid_argument saying what does not fit.
[[nodiscard]] std::vector<WeightPlace> parse_weight_index(std::string_view text, std::uint64_t bytes);

}  // namespace daris::engine::torch
