// What runs on each stream, and how its end is seen: the GPU writes a growing number into the stream's word
// after each stage, and whoever dispatches reads it. Plain memory here; who writes it is not this file's
// business.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine::torch {

/// One stream's word, on a cache line of its own, in host memory that the GPU may write.
struct alignas(64) CompletionWord {
  std::uint32_t value;
};

/// The launches in flight, one for each stream at most. One thread at a time; nothing here blocks or
/// allocates.
class LaunchBook {
 public:
  /// `words` are all zero and outlive the book; one for each stream.
  explicit LaunchBook(std::span<CompletionWord> words) : words_(words), streams_(words.size()) {}

  /// Takes a launch down on a free stream. The number that its word will show when the stage has ended.
  [[nodiscard]] std::uint32_t begin(std::size_t stream, const Launch& launch, std::int64_t now_us) noexcept;

  /// The launch that was just taken down could not be made: it ends with `error`, which must stay valid.
  void fail(std::size_t stream, const char* error) noexcept;

  /// The launches that have ended, as many as fit.
  [[nodiscard]] std::size_t take(std::span<Completion> completions, std::int64_t now_us) noexcept;

  [[nodiscard]] bool idle() const noexcept { return running_ == 0; }

  /// A stream whose stage was launched before `since_us` and has not ended, if there is one.
  [[nodiscard]] std::optional<std::size_t> older_than(std::int64_t since_us) const noexcept;

 private:
  struct Running {
    Launch launch{};
    std::int64_t started_us = 0;
    std::uint32_t number = 0;
    const char* error = nullptr;
    bool busy = false;
  };

  [[nodiscard]] bool ended(std::size_t stream) const noexcept;

  std::span<CompletionWord> words_;
  std::vector<Running> streams_;
  std::size_t running_ = 0;
};

}  // namespace daris::engine::torch
