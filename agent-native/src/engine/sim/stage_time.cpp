#include "engine/sim/stage_time.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <string_view>

#include "engine/refusals.hpp"
#include "model/json_fields.hpp"

namespace daris::engine::sim {
namespace {

constexpr std::size_t kMostBytes = 4096;
constexpr int kMaxDepth = 1;
constexpr double kNsPerUs = 1000;
constexpr double kMostNs = 10 * kLongestMeanUs * kNsPerUs;

Distribution parse_distribution(const model::JsonFields& fields) {
  const auto& value = fields.at("distribution");
  if (value == "uniform") return Distribution::kUniform;
  if (value == "lognormal") return Distribution::kLognormal;
  model::refuse_field("distribution", value, "uniform or lognormal");
}

/// A uniform time of this deviation reaches from mean - sqrt(3) * deviation; a stage takes no negative time.
double most_deviation_us(double mean_us, Distribution distribution) {
  return distribution == Distribution::kUniform ? mean_us / std::numbers::sqrt3 : mean_us;
}

StageTime parse(std::string_view text) {
  const nlohmann::json document = model::parse_json(text, kMaxDepth);
  const model::JsonFields fields(document, "",
                                 {"formatVersion", "meanUs", "deviationUs", "distribution", "seed"});
  (void)fields.integer("formatVersion", 1, 1);
  StageTime time;
  time.mean_us = fields.number("meanUs", kLeastMeanUs, kLongestMeanUs);
  time.distribution = parse_distribution(fields);
  time.deviation_us = fields.number("deviationUs", 0, most_deviation_us(time.mean_us, time.distribution));
  time.seed = fields.integer("seed", 0, UINT64_MAX);
  return time;
}

/// SplitMix64 (Steele, Lea and Flood, 2014): 8 bytes of state, and any seed will do.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Within (0, 1]: its logarithm is finite.
double next_fraction(std::uint64_t& state) noexcept {
  return (static_cast<double>(next_random(state) >> 11) + 1) * 0x1p-53;
}

/// Standard normal, by Box and Muller.
double next_normal(std::uint64_t& state) noexcept {
  const double radius = std::sqrt(-2 * std::log(next_fraction(state)));
  return radius * std::cos(2 * std::numbers::pi * next_fraction(state));
}

}  // namespace

StageTime read_stage_time(const model::Artifact& artifact, std::span<const std::byte> bytes) {
  if (bytes.size() > kMostBytes) refuse(artifact, "has more than 4096 bytes; a stage's time takes fewer");
  try {
    return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } catch (const model::JsonError& error) {
    refuse(artifact, "is not the time of a stage: " + std::string(error.what()));
  }
}

StageTimes::StageTimes(const StageTime& time, std::uint64_t series) : time_(time), state_(series) {
  // Mixed, so that neighbouring series have nothing in common.
  state_ = time.seed ^ next_random(state_);
}

std::int64_t StageTimes::next_ns() noexcept {
  return static_cast<std::int64_t>(std::clamp(next_us() * kNsPerUs, 1.0, kMostNs));
}

double StageTimes::next_us() noexcept {
  const double mean = time_.mean_us;
  const double deviation = time_.deviation_us;
  if (deviation == 0) return mean;
  if (time_.distribution == Distribution::kUniform) {
    return mean + std::numbers::sqrt3 * deviation * (2 * next_fraction(state_) - 1);
  }
  // The normal behind it: exp(mu + s²/2) is the mean, and (exp(s²) - 1) * mean² the variance.
  const double variance = std::log1p(deviation * deviation / (mean * mean));
  return mean * std::exp(std::sqrt(variance) * next_normal(state_) - variance / 2);
}

}  // namespace daris::engine::sim
