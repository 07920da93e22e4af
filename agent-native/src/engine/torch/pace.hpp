// Leaves the GPU, and the locks of its driver, to high-priority jobs between pieces of preparing work: what
// instantiates a graph or loads a kernel holds up every launch for as long (docs/adr/0018).
#pragma once

#include <chrono>
#include <functional>
#include <utility>

namespace daris::engine::torch {

class Pace {
 public:
  using Duration = std::chrono::steady_clock::duration;

  /// `wanted`: whether a high-priority job runs at present.
  explicit Pace(std::function<bool()> wanted) : wanted_(std::move(wanted)) {}

  /// Does a piece of work and then rests where that is wanted. Blocks.
  template <typename Work>
  void piece(Work work) const {
    const auto begun = std::chrono::steady_clock::now();
    work();
    rest_after(std::chrono::steady_clock::now() - begun);
  }

  /// Rests after work that took so long, where that is wanted.
  void rest_after(Duration took) const;

  /// So long after work that took so long: no more than one job in a hundred meets such work.
  [[nodiscard]] static Duration rest_for(Duration took);

 private:
  std::function<bool()> wanted_;
};

}  // namespace daris::engine::torch
