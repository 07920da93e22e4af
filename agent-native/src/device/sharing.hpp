// Who on a GPU is not of this runtime. Pure: lists in, verdict out.
//
// Newer drivers tell numbers of this process's PID namespace: then ours and their children are known by
// name, and everybody else is foreign (`named_`). Older ones tell the host's, which a container cannot
// compare with its own: then who was there before our first context is foreign, who appears while one of
// ours is missing from the list is taken for it, and all later ones are foreign. Where more appear at once
// than are missing, all of them are suspected until there are no more than ours.
#pragma once

#include <cstdint>
#include <set>

#include "device/report.hpp"

namespace daris::device {

/// Memory that nobody in the list accounts for and that is no longer the driver's own: a process of another
/// PID namespace, which newer drivers leave out. Its context alone takes about half a GiB.
inline constexpr std::uint64_t kHiddenBytes = std::uint64_t{1} << 30;

class Sharing {
 public:
  /// `before`: as it was before the first context of ours.
  explicit Sharing(const Census& before);

  /// `own`: those of ours that work on the GPU, as this process numbers them.
  [[nodiscard]] Foreign judge(const Census& census, const std::set<std::uint32_t>& own);

 private:
  void forgetGone(const Census& census);
  void sort(const Census& census, const std::set<std::uint32_t>& own);

  bool named_ = false;
  std::set<std::uint32_t> strangers_;  // pids, of those listed
  std::set<std::uint32_t> claimed_;    // pids taken for ours, of those listed
  std::uint64_t hiddenBefore_ = 0;     // at the last look: what is seen once may be an allocation under way
};

}  // namespace daris::device
