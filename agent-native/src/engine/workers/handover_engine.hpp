// One device, two ways to divide it: within this process, or with a process for each context. Models are
// handed over from one to the other.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.hpp"

namespace daris::engine::workers {

/// Which partitionings have processes of their own, and how to have those.
struct ApartTerms {
  std::function<bool(PartitionMode)> wanted;
  /// An engine with this partitioning in force. Throws std::invalid_argument.
  std::function<std::unique_ptr<Engine>(const Partitioning&)> make;
};

/// Owns `inner`, which divides the device within this process. While contexts are apart, `inner` holds no
/// model and launches nothing. A model lives in memory twice for as long as it is handed over, so that the
/// former partitioning stays in force where the new one has no room for it. Polled in each mode; `inner`
/// tells no listener.
[[nodiscard]] std::unique_ptr<Engine> make_handover_engine(std::unique_ptr<Engine> inner, ApartTerms apart);

}  // namespace daris::engine::workers
