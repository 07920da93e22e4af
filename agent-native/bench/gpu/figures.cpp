#include "gpu/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

namespace daris::bench {
namespace {

using nlohmann::json;
using Chosen = std::function<bool(std::uint32_t group)>;

constexpr std::array kCauses{"None", "Loading", "Overrun", "Blocked", "Queued"};

struct Releases {
  std::uint64_t all = 0;
  std::uint64_t admitted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t skipped = 0;
};

Releases count_releases(const Samples& samples, const Chosen& chosen, const Window& window) {
  Releases count;
  for (const ReleaseSample& sample : samples.releases) {
    if (sample.release_us < window.from_us || sample.release_us >= window.to_us || !chosen(sample.group))
      continue;
    ++count.all;
    if (sample.fate == Fate::Admitted) ++count.admitted;
    if (sample.fate == Fate::Rejected) ++count.rejected;
    if (sample.fate == Fate::Skipped) ++count.skipped;
  }
  return count;
}

double share(std::uint64_t part, std::uint64_t whole) {
  constexpr double kDigits = 1e6;
  if (whole == 0) return 0;
  return std::round(kDigits * static_cast<double>(part) / static_cast<double>(whole)) / kDigits;
}

/// Jobs that were released in the window, by how they ended.
struct Ends {
  std::uint64_t all = 0;
  std::uint64_t missed = 0;
  std::uint64_t failed = 0;
  std::uint64_t migrated = 0;
  std::uint64_t unit_jobs = 0;
  std::array<std::uint64_t, kCauses.size()> causes{};
  std::vector<std::int64_t> responses_us;
  std::vector<std::int64_t> migrated_us;
  std::vector<std::int64_t> stayed_us;

  void take(const JobSample& job) {
    ++all;
    if (job.end == sched::End::Failed) ++failed;
    if (job.migrated) ++migrated;
    unit_jobs += job.unit_jobs;
    if (job.missed) {
      ++missed;
      ++causes[static_cast<std::size_t>(job.cause)];
    }
    if (job.end != sched::End::Completed) return;
    responses_us.push_back(job.response_us);
    (job.migrated ? migrated_us : stayed_us).push_back(job.response_us);
  }
};

/// 1 is alone; 0 where there is no job.
double mean_unit(const Ends& ends) {
  constexpr double kDigits = 100;
  if (ends.all == 0) return 0;
  return std::round(kDigits * static_cast<double>(ends.unit_jobs) / static_cast<double>(ends.all)) / kDigits;
}

Ends gather_ends(const Samples& samples, const Chosen& chosen, const Window& window) {
  Ends ends;
  for (const JobSample& job : samples.jobs) {
    const bool counts = job.release_us >= window.from_us && job.release_us < window.to_us;
    if (counts && chosen(job.group)) ends.take(job);
  }
  return ends;
}

json causes_of(const Ends& ends) {
  json words = json::object();
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    if (ends.causes[i] > 0) words[kCauses[i]] = ends.causes[i];
  }
  return words;
}

json figures_of(const Samples& samples, const Chosen& chosen, const Window& window) {
  const Releases releases = count_releases(samples, chosen, window);
  Ends ends = gather_ends(samples, chosen, window);
  json figures{{"released", releases.all},
               {"admitted", releases.admitted},
               {"rejected", releases.rejected},
               {"skipped", releases.skipped},
               {"ended", ends.all},
               {"missed", ends.missed},
               {"failed", ends.failed},
               {"missRate", share(ends.missed, ends.all)},
               {"onTimeRate", share(ends.all - ends.missed - ends.failed, releases.all)},
               {"missCauses", causes_of(ends)},
               {"migrated", ends.migrated},
               {"unitJobs", mean_unit(ends)},
               {"responseUs", spread(std::move(ends.responses_us))}};
  if (ends.migrated > 0) {
    figures["migratedUs"] = spread(std::move(ends.migrated_us));
    figures["stayedUs"] = spread(std::move(ends.stayed_us));
  }
  return figures;
}

}  // namespace

json spread(std::vector<std::int64_t> us) {
  if (us.empty()) return nullptr;
  std::ranges::sort(us);
  const auto rank = [&](double p) {
    const auto place = static_cast<std::size_t>(std::ceil(p * static_cast<double>(us.size())));
    return us[std::max<std::size_t>(place, 1) - 1];
  };
  return {{"count", us.size()},
          {"p50", rank(0.5)},
          {"p99", rank(0.99)},
          {"p999", rank(0.999)},
          {"max", us.back()}};
}

json window_figures(const Samples& samples, std::span<const GroupPlan> groups,
                    std::span<const std::uint32_t> batches, const Window& window) {
  std::uint64_t jobs = 0;
  std::uint64_t elements = 0;
  for (const JobSample& job : samples.jobs) {
    const bool counts = job.end_us() >= window.from_us && job.end_us() < window.to_us;
    if (!counts || job.end != sched::End::Completed) continue;
    ++jobs;
    elements += batches[job.group];
  }
  const double seconds = static_cast<double>(window.to_us - window.from_us) / 1e6;
  json figures{{"name", window.name},
               {"seconds", seconds},
               {"jobsPerS", std::round(static_cast<double>(jobs) / seconds)},
               {"elementsPerS", std::round(static_cast<double>(elements) / seconds)}};
  for (const auto& [word, priority] :
       {std::pair{"high", sched::Priority::High}, {"low", sched::Priority::Low}}) {
    figures[word] = figures_of(
        samples, [&](std::uint32_t group) { return groups[group].priority == priority; }, window);
  }
  figures["groups"] = json::array();
  for (std::uint32_t i = 0; groups.size() > 2 && i < groups.size(); ++i) {
    figures["groups"].push_back(figures_of(
        samples, [i](std::uint32_t group) { return group == i; }, window));
  }
  return figures;
}

}  // namespace daris::bench
