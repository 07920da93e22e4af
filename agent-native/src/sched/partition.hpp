// The GPUs and their contexts. A context or GPU that a new configuration no longer has stays until it is
// drained. SMs per context: ceil_even(OS * SM_max / N_c), eq. 9.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sched/assignment.hpp"
#include "sched/context.hpp"

namespace daris::sched {

/// SMs of each context of a GPU (eq. 9), never more than the GPU has.
[[nodiscard]] std::uint32_t smsPerContext(const GpuConfig& gpu);

/// What is wrong with a configuration, if anything.
[[nodiscard]] std::optional<Error> checkConfig(const Config& config);

class Partition {
 public:
  /// `gpus` must have passed checkConfig.
  void configure(std::span<const GpuConfig> gpus);

  /// Null where there is none, or where it is drained and gone.
  [[nodiscard]] Context* find(ContextRef ref);

  /// `ref` must exist.
  [[nodiscard]] Context& at(ContextRef ref) { return gpus_[ref.gpu][ref.index]; }
  [[nodiscard]] const Context& at(ContextRef ref) const { return gpus_[ref.gpu][ref.index]; }

  /// All contexts of a GPU by index, draining ones included.
  [[nodiscard]] std::span<Context> contextsOf(std::uint32_t gpu) { return gpus_[gpu]; }

  /// The serving context with the least total utilization per stream; ties by GPU, then index (Algorithm 1).
  [[nodiscard]] ContextRef leastLoaded() const;

  /// Every context keeps slots for this many classes.
  void reserveClasses(std::size_t classes);

  /// Every context counts the tasks of this many groups.
  void reserveGroups(std::size_t groups);

  /// Calls `visit(ContextRef, Context&)` for all contexts by GPU, then index; draining ones included.
  template <typename Visit>
  void forEach(Visit visit) {
    for (std::uint32_t gpu = 0; gpu < gpus_.size(); ++gpu)
      for (std::uint32_t index = 0; index < gpus_[gpu].size(); ++index)
        visit(ContextRef{gpu, index}, gpus_[gpu][index]);
  }

  template <typename Visit>
  void forEach(Visit visit) const {
    for (std::uint32_t gpu = 0; gpu < gpus_.size(); ++gpu)
      for (std::uint32_t index = 0; index < gpus_[gpu].size(); ++index)
        visit(ContextRef{gpu, index}, gpus_[gpu][index]);
  }

 private:
  void resizeGpu(std::vector<Context>& contexts, const GpuConfig* config);

  std::vector<std::vector<Context>> gpus_;
  std::size_t classes_ = 0;
  std::size_t groups_ = 0;
};

}  // namespace daris::sched
