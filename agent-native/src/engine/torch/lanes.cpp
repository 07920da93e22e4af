#include "engine/torch/lanes.hpp"

#include <cuda_runtime_api.h>

#include "engine/torch/cuda_errors.hpp"
#include "engine/torch/driver.hpp"
#include "engine/torch/slot.hpp"

namespace daris::engine::torch {
namespace {

// A stage is a few milliseconds. One that takes this long is asked after, and then as seldom again: the
// question is a CUDA call, and delays nobody but that stage's kind.
constexpr std::int64_t kOverdueUs = 50'000;

std::span<CompletionWord> words_in(const PinnedMemory& memory) {
  const auto bytes = memory.bytes();
  return {reinterpret_cast<CompletionWord*>(bytes.data()), bytes.size() / sizeof(CompletionWord)};
}

const char* static_words(CUresult error) noexcept {
  const char* text = nullptr;
  const bool known = driver().get_error_string(error, &text) == CUDA_SUCCESS && text != nullptr;
  return known ? text : "unknown CUDA error";
}

}  // namespace

Lanes::Lanes(std::span<const SmPartition> contexts, std::uint32_t streams_per_context,
             const std::shared_ptr<PinnedArena>& memory)
    : streams_per_context_(streams_per_context),
      words_(memory, contexts.size() * streams_per_context * sizeof(CompletionWord)),
      book_(words_in(words_)) {
  for (const SmPartition& context : contexts) {
    for (std::uint32_t s = 0; s < streams_per_context; ++s) {
      Lane& lane = lanes_.emplace_back();
      lane.high = std::make_unique<GpuStream>(context.green, true);
      lane.low = std::make_unique<GpuStream>(context.green, false);
      if (context.green) lane.wide = std::make_unique<GpuStream>(nullptr);
      lane.word = words_.device() + (lanes_.size() - 1) * sizeof(CompletionWord);
    }
  }
}

const GpuStream& Lanes::Lane::stream_for(bool is_wide, bool is_urgent) const {
  if (is_wide && wide) return *wide;
  return is_urgent ? *high : *low;
}

void Lanes::launch(const Launch& launch, std::int64_t now_us) noexcept {
  const std::size_t place = std::size_t{launch.slot->context()} * streams_per_context_ + launch.stream;
  Lane& lane = lanes_[place];
  const StageLaunch& stage = static_cast<const TorchSlot*>(launch.slot)->stage(launch.form, launch.stage);
  const CUstream stream = lane.stream_for(stage.wide, launch.urgency == Urgency::Urgent).get();
  const std::uint32_t number = book_.begin(place, launch, now_us);
  CUresult result = driver().graph_launch(stage.graph, stream);
  if (result == CUDA_SUCCESS) result = driver().stream_write(stream, lane.word, number, 0);
  if (result != CUDA_SUCCESS) tell(place, result);
}

void Lanes::tell(std::size_t place, CUresult error) noexcept {
  const char* words = static_words(error);
  book_.fail(place, words);
  if (is_sticky(static_cast<int>(error))) fault_ = words;
}

std::size_t Lanes::poll(std::span<Completion> completions, std::int64_t now_us) noexcept {
  return book_.take(completions, now_us);
}

const char* Lanes::fault(std::int64_t now_us) noexcept {
  if (fault_ != nullptr || book_.idle() || now_us - looked_us_ < kOverdueUs) return fault_;
  looked_us_ = now_us;
  const auto late = book_.older_than(now_us - kOverdueUs);
  if (!late) return nullptr;
  for (const GpuStream* stream :
       {lanes_[*late].high.get(), lanes_[*late].low.get(), lanes_[*late].wide.get()}) {
    if (stream == nullptr) continue;
    const CUresult state = driver().stream_query(stream->get());
    if (state != CUDA_SUCCESS && state != CUDA_ERROR_NOT_READY) fault_ = static_words(state);
  }
  return fault_;
}

}  // namespace daris::engine::torch
