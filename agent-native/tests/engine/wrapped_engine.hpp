// A real engine behind the interface, for tests that change one thing of it.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.hpp"

namespace daris::test {

class WrappedEngine : public engine::Engine {
 public:
  explicit WrappedEngine(std::unique_ptr<engine::Engine> engine) : engine_(std::move(engine)) {}

  [[nodiscard]] const engine::Device& device() const override { return engine_->device(); }
  void partition(const engine::Partitioning& partitioning) override { engine_->partition(partitioning); }
  [[nodiscard]] const std::vector<engine::Context>& contexts() const override { return engine_->contexts(); }
  [[nodiscard]] std::shared_ptr<const engine::LoadedModel> load(const model::Package& package,
                                                                std::stop_token stop) override {
    return engine_->load(package, stop);
  }
  [[nodiscard]] std::vector<std::int64_t> measure(const std::shared_ptr<const engine::LoadedModel>& model,
                                                  std::uint32_t batch, std::uint32_t repetitions,
                                                  std::stop_token stop) override {
    return engine_->measure(model, batch, repetitions, stop);
  }
  [[nodiscard]] std::unique_ptr<engine::Slot> create_slot(
      const std::shared_ptr<const engine::LoadedModel>& model, std::uint32_t context,
      const std::vector<std::uint32_t>& batches) override {
    return engine_->create_slot(model, context, batches);
  }
  [[nodiscard]] std::shared_ptr<engine::JobMemory> create_job_memory(const engine::LoadedModel& model,
                                                                     std::uint32_t batch) override {
    return engine_->create_job_memory(model, batch);
  }
  void launch(const engine::Launch& launch) noexcept override { engine_->launch(launch); }
  void listen(engine::CompletionListener* listener) noexcept override { engine_->listen(listener); }
  [[nodiscard]] bool polled() const noexcept override { return engine_->polled(); }
  [[nodiscard]] std::size_t poll(std::span<engine::Completion> completions) noexcept override {
    return engine_->poll(completions);
  }

 private:
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace daris::test
