// A model that is loaded in each worker of a partitioning.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/workers/worker_link.hpp"

namespace daris::engine::workers {

class RemoteModel : public LoadedModel {
 public:
  /// Loads it in all workers; in none of them where one fails. `id` is new to them. Throws as
  /// Engine::load.
  RemoteModel(std::shared_ptr<WorkerTeam> team, std::uint64_t id, const model::Package& package,
              const std::stop_token& stop);
  ~RemoteModel() override;

  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  /// Of all workers together: each has weights of its own.
  [[nodiscard]] std::uint64_t memory_bytes() const override { return memory_bytes_; }

  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  void load(const UniqueFd& place, const std::stop_token& stop);
  void unload() noexcept;

  std::shared_ptr<WorkerTeam> team_;
  std::uint64_t id_;
  model::Manifest manifest_;
  std::string digest_;
  std::vector<std::uint32_t> batches_;
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace daris::engine::workers
