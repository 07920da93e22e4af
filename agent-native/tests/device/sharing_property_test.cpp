// Random comings and goings of ours and of others, by drivers of both kinds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "device/sharing.hpp"

namespace daris::device {
namespace {

constexpr unsigned kSeeds = 300;
constexpr int kLooks = 60;

/// A machine whose driver tells the numbers of our namespace, or the host's.
class Machine {
 public:
  Machine(unsigned seed, bool namespaces, bool oneAtATime)
      : random_(seed), namespaces_(namespaces), oneAtATime_(oneAtATime) {}

  /// Others alone: before our first context.
  void begin() {
    for (unsigned i = pick(3); i > 0; --i) foreign_.insert(next_++);
  }

  /// Some of ours or of others start and end; ours are announced before they appear.
  void step() {
    const unsigned events = oneAtATime_ ? pick(2) : pick(5);
    for (unsigned i = 0; i < events; ++i) event();
  }

  void startOurs() {
    const std::uint32_t here = next_++;
    own_.insert(here);
    ours_[here] = namespaces_ ? here : kHost + next_++;
  }

  [[nodiscard]] Census census() const {
    Census census;
    for (const std::uint32_t pid : foreign_) census.processes.push_back(process(pid));
    for (const auto& [here, pid] : ours_) census.processes.push_back(process(pid));
    return census;
  }
  [[nodiscard]] const std::set<std::uint32_t>& own() const { return own_; }
  [[nodiscard]] const std::set<std::uint32_t>& foreign() const { return foreign_; }

 private:
  static constexpr std::uint32_t kHost = 1'000'000;

  static Process process(std::uint32_t pid) {
    return {.pid = pid, .lineage = {pid}, .memoryBytes = {}, .mps = false, .name = {}};
  }
  unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }

  void event() {
    switch (pick(4)) {
      case 0:
        startOurs();
        break;
      case 1:
        if (ours_.size() > 1) {
          own_.erase(ours_.rbegin()->first);
          ours_.erase(std::prev(ours_.end()));
        }
        break;
      case 2:
        foreign_.insert(namespaces_ ? next_++ : kHost + next_++);
        break;
      default:
        if (!foreign_.empty()) foreign_.erase(std::next(foreign_.begin(), pick(unsigned(foreign_.size()))));
    }
  }

  std::mt19937 random_;
  bool namespaces_;
  bool oneAtATime_;
  std::uint32_t next_ = 100;
  std::set<std::uint32_t> own_;                  // as this process numbers them
  std::map<std::uint32_t, std::uint32_t> ours_;  // to what the driver tells
  std::set<std::uint32_t> foreign_;
};

std::set<std::uint32_t> pids(const Foreign& foreign) {
  std::set<std::uint32_t> pids;
  for (const Process& process : foreign.processes) pids.insert(process.pid);
  return pids;
}

template <typename Check>
void play(bool namespaces, bool oneAtATime, Check check) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Machine machine(seed, namespaces, oneAtATime);
    machine.begin();
    Sharing sharing(machine.census());
    machine.startOurs();
    for (int look = 0; look < kLooks; ++look) {
      check(machine, pids(sharing.judge(machine.census(), machine.own())), seed);
      if (testing::Test::HasFailure()) return;
      machine.step();
    }
  }
}

TEST(SharingProperty, NumbersOfOurNamespaceNeverErr) {
  play(true, false, [](const Machine& machine, const auto& found, unsigned seed) {
    ASSERT_EQ(found, machine.foreign()) << "seed " << seed;
  });
}

TEST(SharingProperty, TheHostsNumbersDoNotErrWhereOneThingHappensBetweenTwoLooks) {
  play(false, true, [](const Machine& machine, const auto& found, unsigned seed) {
    ASSERT_EQ(found, machine.foreign()) << "seed " << seed;
  });
}

TEST(SharingProperty, WhateverHappensAForeignProcessNeverLooksLikeNobody) {
  play(false, false, [](const Machine& machine, const auto& found, unsigned seed) {
    ASSERT_GE(found.size(), machine.foreign().size()) << "seed " << seed;
  });
}

}  // namespace
}  // namespace daris::device
