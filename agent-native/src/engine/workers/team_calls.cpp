#include "engine/workers/team_calls.hpp"

#include <exception>
#include <mutex>

namespace daris::engine::workers {

using nlohmann::json;

std::vector<json> call_all(WorkerTeam& team, const json& call, int fd, const std::stop_token& stop,
                           std::size_t first) {
  const std::scoped_lock lock(team.calls);
  std::exception_ptr fault;
  std::vector<bool> asked(team.links.size());
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const std::exception&) {
      if (!fault) fault = std::current_exception();
    }
  };
  for (std::size_t k = first; k < team.links.size(); ++k) {
    attempt([&] {
      team.links[k].ask(call, fd);
      asked[k] = true;
    });
  }
  std::vector<json> answers;
  for (std::size_t k = first; k < team.links.size(); ++k) {
    if (asked[k]) attempt([&] { answers.push_back(team.links[k].answer(stop)); });
  }
  if (fault) std::rethrow_exception(fault);
  return answers;
}

json call_one(WorkerTeam& team, std::size_t context, const json& call, int fd, const std::stop_token& stop) {
  const std::scoped_lock lock(team.calls);
  team.links.at(context).ask(call, fd);
  return team.links.at(context).answer(stop);
}

}  // namespace daris::engine::workers
