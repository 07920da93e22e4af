#include "engine/workers/handover_engine.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "base/published.hpp"

namespace daris::engine::workers {
namespace {

using Loaded = std::shared_ptr<const LoadedModel>;

/// A model wherever it is loaded now, and its package, to load it elsewhere.
class HandedModel : public LoadedModel {
 public:
  HandedModel(const model::Package& package, Loaded now)
      : manifest_(package.manifest()),
        digest_(package.digest()),
        batches_(now->batches()),
        place_(package.place()),
        now_(std::move(now)) {}

  [[nodiscard]] const model::Manifest& manifest() const override { return manifest_; }
  [[nodiscard]] const std::string& digest() const override { return digest_; }
  [[nodiscard]] const std::vector<std::uint32_t>& batches() const override { return batches_; }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return now()->memory_bytes(); }

  [[nodiscard]] Loaded now() const { return now_.load(); }
  void hand_over(Loaded next) const { now_.store(std::move(next)); }
  [[nodiscard]] model::Package package() const { return model::open_package(place_, digest_); }

 private:
  model::Manifest manifest_;
  std::string digest_;
  std::vector<std::uint32_t> batches_;
  UniqueFd place_;
  mutable Published<LoadedModel> now_;
};

Loaded now_of(const Loaded& model) {
  return static_cast<const HandedModel&>(*model).now();
}

class HandoverEngine : public Engine {
 public:
  HandoverEngine(std::unique_ptr<Engine> inner, ApartTerms terms)
      : inner_(std::move(inner)), terms_(std::move(terms)) {
    if (terms_.wanted(Partitioning{}.mode)) partition({});
  }

  [[nodiscard]] const Device& device() const override { return inner_->device(); }
  void partition(const Partitioning& wanted) override;
  [[nodiscard]] const std::vector<Context>& contexts() const override { return active().contexts(); }
  [[nodiscard]] Loaded load(const model::Package& package, std::stop_token stop) override;
  [[nodiscard]] std::vector<std::int64_t> measure(const Loaded& model, std::uint32_t batch,
                                                  std::uint32_t repetitions, std::stop_token stop) override {
    return active().measure(now_of(model), batch, repetitions, std::move(stop));
  }
  [[nodiscard]] std::unique_ptr<Slot> create_slot(const Loaded& model, std::uint32_t context,
                                                  const std::vector<std::uint32_t>& batches) override {
    return active().create_slot(now_of(model), context, batches);
  }
  [[nodiscard]] std::shared_ptr<JobMemory> create_job_memory(const LoadedModel& model,
                                                             std::uint32_t batch) override {
    const std::scoped_lock lock(mutex_);
    return active().create_job_memory(*static_cast<const HandedModel&>(model).now(), batch);
  }
  void launch(const Launch& launch) noexcept override { active().launch(launch); }
  void listen(CompletionListener*) noexcept override {}  // see polled()
  [[nodiscard]] bool polled() const noexcept override { return true; }
  [[nodiscard]] std::size_t poll(std::span<Completion> completions) noexcept override {
    return active().poll(completions);
  }

 private:
  [[nodiscard]] Engine& active() const { return apart_ ? *apart_ : *inner_; }
  void part(const Partitioning& wanted);
  void join(const Partitioning& wanted);
  [[nodiscard]] std::vector<std::shared_ptr<const HandedModel>> models();
  void hand_all_to(Engine& next, std::unique_ptr<Engine> apart);

  std::unique_ptr<Engine> inner_;
  ApartTerms terms_;
  std::unique_ptr<Engine> apart_;  // null: divided within this process
  std::mutex mutex_;               // guards handed_, and for who makes memory of jobs where models are
  std::vector<std::weak_ptr<const HandedModel>> handed_;
};

void HandoverEngine::partition(const Partitioning& wanted) {
  if (terms_.wanted(wanted.mode)) return part(wanted);
  if (apart_) return join(wanted);
  inner_->partition(wanted);
}

/// To processes, from this one or from others.
void HandoverEngine::part(const Partitioning& wanted) {
  inner_->hold_memory(false);
  try {
    auto next = terms_.make(wanted);
    Engine& engine = *next;
    hand_all_to(engine, std::move(next));
  } catch (...) {
    if (!apart_) inner_->hold_memory(true);
    throw;
  }
  inner_->hold_memory(false);  // of the models that were its own
}

/// Back into this process.
void HandoverEngine::join(const Partitioning& wanted) {
  inner_->partition(wanted);
  hand_all_to(*inner_, nullptr);
  inner_->hold_memory(true);
}

Loaded HandoverEngine::load(const model::Package& package, std::stop_token stop) {
  auto model = std::make_shared<const HandedModel>(package, active().load(package, std::move(stop)));
  const std::scoped_lock lock(mutex_);
  std::erase_if(handed_, [](const auto& each) { return each.expired(); });
  handed_.push_back(model);
  return model;
}

std::vector<std::shared_ptr<const HandedModel>> HandoverEngine::models() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<const HandedModel>> models;
  for (const auto& each : handed_) {
    if (auto model = each.lock()) models.push_back(std::move(model));
  }
  return models;
}

/// All or none. `apart` is `next`, or null where that is `inner_`.
void HandoverEngine::hand_all_to(Engine& next, std::unique_ptr<Engine> apart) {
  const auto handed = models();
  std::vector<Loaded> loaded;
  for (const auto& model : handed) {
    try {
      loaded.push_back(next.load(model->package(), {}));
    } catch (const std::exception& error) {
      throw std::invalid_argument("model '" + model->manifest().name +
                                  "' cannot be handed over to the new contexts: " + error.what());
    }
  }
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < handed.size(); ++i) handed[i]->hand_over(std::move(loaded[i]));
    apart_.swap(apart);
  }
  apart.reset();  // takes a while
}

}  // namespace

std::unique_ptr<Engine> make_handover_engine(std::unique_ptr<Engine> inner, ApartTerms apart) {
  return std::make_unique<HandoverEngine>(std::move(inner), std::move(apart));
}

}  // namespace daris::engine::workers
