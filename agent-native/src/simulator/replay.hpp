// A recorded trace of a runtime made again: everything that its scheduler core was told is told to the same
// core here, and each decision must be the recorded one.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>

#include "simulator/scenario.hpp"

namespace daris::simulator {

/// Where recording and replay part.
struct Difference {
  std::uint64_t line = 0;  // of the file, from 1
  std::string what;        // the field with both values, or what else is wrong
  std::string recorded;
  std::string replayed;  // empty: the core decided nothing here, or refused the call
};

struct ReplayResult {
  std::map<std::string, std::uint64_t> compared;  // lines found equal, by event
  std::uint64_t skipped = 0;                      // lines before the first start of a scheduler
  std::optional<Difference> difference;           // the first one
};

/// Reads JSON lines as the runtime's trace has them. Throws ScenarioError that names line and field where the
/// file is no such trace, and where it does not hold the start of a scheduler: the state of one that was
/// recorded from its middle on cannot be known. An answer that the end of the file cuts off is no difference.
ReplayResult replay(std::istream& lines);

}  // namespace daris::simulator
