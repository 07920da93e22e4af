// Growing and draining of partitions, and the checks of a configuration.
#include "sched/partition.hpp"

#include <algorithm>
#include <cmath>

namespace daris::sched {

namespace {

std::optional<Error> checkGpu(const GpuConfig& gpu) {
  const auto invalid = [](std::string_view what) { return Error{ErrorCode::InvalidConfig, what}; };
  if (gpu.smCount < 1) return invalid("smCount: must be at least 1");
  if (gpu.contexts < 1 || gpu.contexts > kMaxContexts) return invalid("contexts: must be 1 to 4096");
  if (gpu.streamsPerContext < 1 || gpu.streamsPerContext > kMaxStreams)
    return invalid("streamsPerContext: must be 1 to 1024");
  if (!(gpu.oversubscription >= 1 && gpu.oversubscription <= gpu.contexts))
    return invalid("oversubscription: must be 1 to the number of contexts");
  return std::nullopt;
}

}  // namespace

std::uint32_t smsPerContext(const GpuConfig& gpu) {
  const double exact = gpu.oversubscription * gpu.smCount / gpu.contexts;
  // A share that is even but for rounding of the product must not become the next even number.
  const double even = 2 * std::ceil(exact / 2 - 1e-9);
  return std::min(gpu.smCount, static_cast<std::uint32_t>(even));
}

std::optional<Error> checkConfig(const Config& config) {
  const auto invalid = [](std::string_view what) { return Error{ErrorCode::InvalidConfig, what}; };
  if (config.gpus.empty() || config.gpus.size() > kMaxGpus) return invalid("gpus: must be 1 to 4096");
  std::uint64_t streams = 0;
  for (const GpuConfig& gpu : config.gpus) {
    if (auto error = checkGpu(gpu)) return error;
    streams += std::uint64_t{gpu.contexts} * gpu.streamsPerContext;
  }
  if (streams > kMaxTotalStreams) return invalid("gpus: must have 262144 streams in all, at most");
  if (config.policy.mretWindow < 1 || config.policy.mretWindow > kMaxMretWindow)
    return invalid("mretWindow: must be 1 to 1024");
  if (config.policy.joining && !config.policy.staging) return invalid("joining: needs staging");
  return std::nullopt;
}

// A fresh context that nothing wants is draining and empty, so it counts as gone and is trimmed below.
void Partition::configure(std::span<const GpuConfig> gpus) {
  if (gpus.size() > gpus_.size()) gpus_.resize(gpus.size());
  for (std::size_t gpu = 0; gpu < gpus_.size(); ++gpu)
    resizeGpu(gpus_[gpu], gpu < gpus.size() ? &gpus[gpu] : nullptr);
  while (gpus_.back().empty()) gpus_.pop_back();
}

void Partition::resizeGpu(std::vector<Context>& contexts, const GpuConfig* config) {
  const std::uint32_t wanted = config ? config->contexts : 0;
  if (wanted > contexts.size()) contexts.resize(wanted);
  for (std::uint32_t index = 0; index < contexts.size(); ++index) {
    Context& context = contexts[index];
    if (context.gone()) context = Context{};  // its slot bounds speak of models that are no longer there
    context.state = index < wanted ? ContextState::Serving : ContextState::Draining;
    context.slots.resize(classes_);
    context.groups.resize(groups_);
    if (index >= wanted) continue;
    context.streams.resize(config->streamsPerContext);
    context.sms = smsPerContext(*config);
  }
  while (!contexts.empty() && contexts.back().gone()) contexts.pop_back();
}

Context* Partition::find(ContextRef ref) {
  if (ref.gpu >= gpus_.size() || ref.index >= gpus_[ref.gpu].size()) return nullptr;
  Context& context = at(ref);
  return context.gone() ? nullptr : &context;
}

ContextRef Partition::leastLoaded() const {
  std::optional<ContextRef> best;
  forEach([&](ContextRef ref, const Context& context) {
    if (context.state != ContextState::Serving) return;
    if (!best || lessLoaded(context.load.total(), context.streams.count(), at(*best).load.total(),
                            at(*best).streams.count()))
      best = ref;
  });
  return *best;
}

void Partition::reserveClasses(std::size_t classes) {
  if (classes <= classes_) return;
  classes_ = classes;
  forEach([&](ContextRef, Context& context) { context.slots.resize(classes); });
}

void Partition::reserveGroups(std::size_t groups) {
  if (groups <= groups_) return;
  groups_ = groups;
  forEach([&](ContextRef, Context& context) { context.groups.resize(groups); });
}

}  // namespace daris::sched
