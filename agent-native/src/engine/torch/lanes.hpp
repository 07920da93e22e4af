// The streams of a partitioning: what is launched on them and how its end is seen.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/torch/completion_words.hpp"
#include "engine/torch/pinned.hpp"
#include "engine/torch/sm_partition.hpp"

namespace daris::engine::torch {

class TorchSlot;

/// One thread at a time, with the device's primary context current. launch and poll make no CUDA call but
/// graph launches and memory writes, unless a stage is overdue.
class Lanes {
 public:
  /// Throws std::runtime_error.
  Lanes(std::span<const SmPartition> contexts, std::uint32_t streams_per_context,
        const std::shared_ptr<PinnedArena>& memory);

  /// Starts a stage of a slot of this engine. A launch that fails is told of by poll.
  void launch(const Launch& launch, std::int64_t now_us) noexcept;
  [[nodiscard]] std::size_t poll(std::span<Completion> completions, std::int64_t now_us) noexcept;
  [[nodiscard]] bool idle() const noexcept { return book_.idle(); }

  /// What the GPU says of a stage that takes long: null while it runs or has ended, else why it never will.
  [[nodiscard]] const char* fault(std::int64_t now_us) noexcept;

 private:
  struct Lane {
    [[nodiscard]] const GpuStream& stream_for(bool is_wide, bool is_urgent) const;

    std::unique_ptr<GpuStream> high;  // on the context's SMs, for what is urgent
    std::unique_ptr<GpuStream> low;   // the same; only one of the lane's streams is ever in use
    std::unique_ptr<GpuStream> wide;  // on the whole GPU, for stages that cannot run there
    CUdeviceptr word = 0;
  };

  void tell(std::size_t lane, CUresult error) noexcept;

  std::uint32_t streams_per_context_;
  PinnedMemory words_;
  LaunchBook book_;
  std::vector<Lane> lanes_;
  std::int64_t looked_us_ = 0;
  const char* fault_ = nullptr;
};

}  // namespace daris::engine::torch
