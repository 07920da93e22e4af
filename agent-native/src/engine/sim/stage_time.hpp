// How long a stage lasts: the artifact of this engine, and times drawn from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/manifest.hpp"

namespace daris::engine::sim {

/// The word for this engine in manifests.
inline constexpr const char* kEngine = "sim";

enum class Distribution { kUniform, kLognormal };

/// A stage's time, as its artifact says it.
struct StageTime {
  double mean_us = 0;
  double deviation_us = 0;  ///< standard deviation; 0: it always lasts its mean
  Distribution distribution = Distribution::kUniform;
  std::uint64_t seed = 0;
};

/// Bounds of a mean. No time that is drawn is above ten times the longest mean.
inline constexpr double kLeastMeanUs = 1;
inline constexpr double kLongestMeanUs = 60e6;

/// Reads the JSON of one artifact. Throws EngineError InvalidArtifact, naming the file, the field and what
/// would work.
[[nodiscard]] StageTime read_stage_time(const model::Artifact& artifact, std::span<const std::byte> bytes);

/// Draws times of one stage, always the same ones for the same seed and `series`. For one thread at a time.
class StageTimes {
 public:
  StageTimes(const StageTime& time, std::uint64_t series);

  /// Nanoseconds, above 0. Neither allocates nor blocks nor throws.
  [[nodiscard]] std::int64_t next_ns() noexcept;

 private:
  [[nodiscard]] double next_us() noexcept;

  StageTime time_;
  std::uint64_t state_;
};

}  // namespace daris::engine::sim
