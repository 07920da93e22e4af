// What makes a task's spec acceptable, apart from the context that it names.
// A task whose AFET exceeds its deadline is acceptable here; refusing it (NeverFits) is the product's
// placement.
#pragma once

#include <optional>

#include "sched/types.hpp"

namespace daris::sched {

[[nodiscard]] inline std::optional<Error> checkTaskFields(const TaskSpec& spec) {
  const auto invalid = [](std::string_view what) { return Error{ErrorCode::InvalidSpec, what}; };
  const auto isLength = [](DurationUs us) { return us >= 1 && us <= kMaxTimeUs; };
  if (!isLength(spec.periodUs)) return invalid("periodUs: must be 1 to 2^53");
  if (!isLength(spec.deadlineUs) || spec.deadlineUs > spec.periodUs)
    return invalid("deadlineUs: must be 1 to periodUs");
  if (spec.afetUs.empty() || spec.afetUs.size() > kMaxStages)
    return invalid("afetUs: must have 1 to 256 stages");
  for (const DurationUs afetUs : spec.afetUs)
    if (!isLength(afetUs)) return invalid("afetUs: each stage must be 1 to 2^53");
  if (spec.releaseJitterUs && (*spec.releaseJitterUs < 0 || *spec.releaseJitterUs > kMaxTimeUs))
    return invalid("releaseJitterUs: must be 0 to 2^53");
  return std::nullopt;
}

}  // namespace daris::sched
