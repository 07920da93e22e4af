// The engine that runs ONNX stages on CPU cores with OpenVINO. No OpenVINO type leaves this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine::openvino {

/// An engine on these cores (indices as the kernel counts them). One thread per stream, bound to its
/// context's cores, sleeping while idle. Throws std::invalid_argument where cores is empty, has one twice, or
/// has one that this process may not use.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const std::vector<std::uint32_t>& cores);

}  // namespace daris::engine::openvino
