// Calls to all workers of a partitioning, or to one.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <vector>

#include "engine/workers/worker_link.hpp"

namespace daris::engine::workers {

/// The answers of all workers from context `first` on; they work at the same time. Each gets a copy of the
/// descriptor unless it is -1. All have answered when it returns or throws: the first fault, by context.
[[nodiscard]] std::vector<nlohmann::json> call_all(WorkerTeam& team, const nlohmann::json& call, int fd,
                                                   const std::stop_token& stop, std::size_t first = 0);

/// The same with one worker.
[[nodiscard]] nlohmann::json call_one(WorkerTeam& team, std::size_t context, const nlohmann::json& call,
                                      int fd, const std::stop_token& stop);

}  // namespace daris::engine::workers
