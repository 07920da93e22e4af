// Where the buffers of a slot lie in the memory that the runtime and a worker share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/engine.hpp"

namespace daris::engine::workers {

/// A page for the error of a failed stage, as text that ends in 0, then each input, then each output, all
/// beginning a page.
struct SlotLayout {
  std::span<char> error;
  SlotMemory buffers;
};

/// Bytes that a slot of this model needs.
[[nodiscard]] std::size_t slot_bytes(const model::Manifest& manifest, std::uint32_t batch);

/// Throws std::runtime_error where `memory` has another size.
[[nodiscard]] SlotLayout lay_out(std::span<std::byte> memory, const model::Manifest& manifest,
                                 std::uint32_t batch);

}  // namespace daris::engine::workers
