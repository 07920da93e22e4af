#include "engine/torch/device_memory.hpp"

namespace daris::engine::torch {
namespace {

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB";
}

}  // namespace

std::optional<std::string> lack_of_memory(std::string_view what, std::uint64_t needed, std::uint64_t left) {
  if (needed <= left) return std::nullopt;
  return std::string(what) + " takes " + mebibytes(needed) + " and the GPU has " + mebibytes(left) +
         " left; remove a model, use smaller batches, or fewer streams";
}

}  // namespace daris::engine::torch
