// What the runtime and one of its workers share while stages run.
#pragma once

#include <array>
#include <cstdint>
#include <new>

#include "engine/engine.hpp"
#include "engine/workers/doorbell.hpp"
#include "engine/workers/shared_memory.hpp"
#include "engine/workers/shared_ring.hpp"

namespace daris::engine::workers {

/// Streams of a context, at most; each has one stage in flight, so that a ring is never full.
inline constexpr std::uint32_t kMostStreams = 1024;

/// A stage to be launched.
struct LaunchOrder {
  std::uint64_t slot;  ///< the worker's own word for it, which it answered when it made the slot
  std::uint32_t stage;
  std::uint32_t stream;
  Urgency urgency = Urgency::Urgent;
  std::uint32_t form = 0;
};

/// A stage that ended.
struct StageEnd {
  std::int64_t finished_us;  ///< of the steady clock, which all processes share
  std::uint32_t stream;
  std::uint32_t failed;  ///< not 0: the slot's memory says why
};

/// To the streams of a worker and back.
struct Rings {
  SharedRing<LaunchOrder, kMostStreams> launches;  ///< runtime to worker
  SharedRing<StageEnd, kMostStreams> ends;         ///< worker to runtime
};

/// Zeroed memory is an empty one. Whoever dispatches has the one pair of rings, who measures the other, each
/// with as many streams.
struct Mailbox {
  Rings serving;
  Rings measuring;
  Doorbell doorbell;                 ///< wakes the worker
  std::array<char, 512> last_words;  ///< why the worker ended, if it could say so
};

/// The mailbox in memory that holds one and nothing else.
[[nodiscard]] inline Mailbox& mailbox_in(const SharedMemory& memory) {
  return *std::launder(reinterpret_cast<Mailbox*>(memory.bytes().data()));
}

}  // namespace daris::engine::workers
