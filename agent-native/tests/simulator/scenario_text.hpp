// Scenarios as text for the simulator's tests, and a way to change one place of them.
#pragma once

#include <string>
#include <string_view>

namespace daris::simulator {

/// Two contexts of one stream. See simulation_test.cpp for what happens.
inline constexpr std::string_view kTwoContexts = R"({
  "version": 1, "durationUs": 2000, "seed": 1,
  "gpus": [{ "name": "gpu0", "smCount": 68, "contexts": 2, "streamsPerContext": 1, "oversubscription": 2 }],
  "scheduler": { "mretWindow": 5, "highPriorityAdmission": false, "staging": true,
                 "lastStageBoost": true, "missBoost": true, "fixedPriorities": true },
  "tasks": [
    { "name": "h", "priority": "High", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0,
      "afetUs": [100, 100], "execUs": [[100, 150]] },
    { "name": "a", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 0,
      "afetUs": [300, 300], "context": {"gpu": "gpu0", "index": 0}, "execUs": [[300, 300]] },
    { "name": "b", "priority": "Low", "periodUs": 1000, "deadlineUs": 1000, "phaseUs": 10,
      "afetUs": [300, 200], "context": {"gpu": "gpu0", "index": 0}, "execUs": [[250, 300]] },
    { "name": "big", "priority": "Low", "periodUs": 5000, "deadlineUs": 5000, "phaseUs": 20,
      "afetUs": [4500], "context": {"gpu": "gpu0", "index": 0}, "execUs": [[4500]] }
  ],
  "interference": { "model": "none" }
})";

/// One context, one task that is too slow for its deadline.
inline constexpr std::string_view kTooSlow = R"({
  "version": 1, "durationUs": 201, "seed": 1,
  "gpus": [{ "name": "gpu0", "smCount": 68, "contexts": 1, "streamsPerContext": 1, "oversubscription": 1 }],
  "scheduler": { "mretWindow": 5, "mretAging": false, "admission": "Utilization", "highPriorityAdmission": false,
                 "staging": true, "lastStageBoost": true, "missBoost": true, "fixedPriorities": true },
  "tasks": [
    { "name": "x", "priority": "Low", "periodUs": 100, "deadlineUs": 100, "phaseUs": 0, "lateJobs": "Drop",
      "afetUs": [20, 20, 20], "execUs": [[60, 60, 60]] }
  ],
  "interference": { "model": "none" }
})";

/// `text` with the first `from` replaced; `from` must be there.
inline std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  return changed.replace(changed.find(from), from.size(), to);
}

}  // namespace daris::simulator
