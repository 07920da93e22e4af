#include "engine/workers/remote_model.hpp"

#include "engine/workers/team_calls.hpp"

namespace daris::engine::workers {

RemoteModel::RemoteModel(std::shared_ptr<WorkerTeam> team, std::uint64_t id, const model::Package& package,
                         const std::stop_token& stop)
    : team_(std::move(team)), id_(id), manifest_(package.manifest()), digest_(package.digest()) {
  const UniqueFd place = package.place();
  try {
    load(place, stop);
  } catch (...) {
    unload();
    throw;
  }
}

RemoteModel::~RemoteModel() {
  unload();
}

void RemoteModel::load(const UniqueFd& place, const std::stop_token& stop) {
  const nlohmann::json call{{"call", "load"}, {"model", id_}, {"digest", digest_}};
  // The first alone: an engine tells what a model takes by what the device has less than before.
  const nlohmann::json loaded = call_one(*team_, 0, call, place.get(), stop);
  loaded.at("batches").get_to(batches_);
  memory_bytes_ = loaded.at("memoryBytes").get<std::uint64_t>() * team_->links.size();
  (void)call_all(*team_, call, place.get(), stop, 1);
}

void RemoteModel::unload() noexcept {
  try {
    (void)call_all(*team_, {{"call", "unload"}, {"model", id_}}, -1, {});
  } catch (const std::exception&) {
    // A worker that is gone holds no model.
  }
}

}  // namespace daris::engine::workers
