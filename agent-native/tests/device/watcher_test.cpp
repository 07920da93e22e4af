// The watcher's threads against a GPU whose lists and errors are given: no machine here has one that fails on
// demand.
#include "device/watcher.hpp"

#include <gtest/gtest.h>

#include <queue>

namespace daris::device {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);
constexpr std::uint32_t kOurs = 10;

/// What it answers from now on; by any thread.
class Script {
 public:
  void lists(std::vector<std::uint32_t> pids) {
    const std::scoped_lock lock(mutex_);
    pids_ = std::move(pids);
  }
  void fails() {
    const std::scoped_lock lock(mutex_);
    failing_ = true;
  }
  void logs(std::uint64_t xid) {
    const std::scoped_lock lock(mutex_);
    xids_.push(xid);
    changed_.notify_one();
  }
  [[nodiscard]] std::optional<Census> census() {
    const std::scoped_lock lock(mutex_);
    if (failing_) return std::nullopt;
    Census census;
    for (const std::uint32_t pid : pids_)
      census.processes.push_back({.pid = pid, .lineage = {pid}, .memoryBytes = {}, .mps = false, .name = {}});
    return census;
  }
  [[nodiscard]] std::optional<std::uint64_t> awaitXid(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return !xids_.empty(); })) return std::nullopt;
    const std::uint64_t xid = xids_.front();
    xids_.pop();
    return xid;
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<std::uint32_t> pids_{kOurs};
  bool failing_ = false;
  std::queue<std::uint64_t> xids_;
};

class ScriptedGpu final : public GpuSource {
 public:
  explicit ScriptedGpu(Script& script) : script_(script) {}
  [[nodiscard]] Reading read() override { return {}; }
  [[nodiscard]] std::optional<Census> census() override { return script_.census(); }
  [[nodiscard]] bool tellsXids() const override { return true; }
  [[nodiscard]] std::optional<std::uint64_t> awaitXid(std::chrono::milliseconds patience) override {
    return script_.awaitXid(patience);
  }

 private:
  Script& script_;
};

class WatcherTest : public testing::Test {
 protected:
  WatcherTest() { own_.started(kOurs); }

  void take(Report report) {
    const std::scoped_lock lock(mutex_);
    report_ = std::move(report);
    ++reports_;
    changed_.notify_all();
  }

  /// The first report from now on that holds; fails after the patience.
  template <typename Holds>
  Report until(Holds holds) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return holds(report_); }));
    return report_;
  }

  std::unique_ptr<Watcher> watch(std::chrono::milliseconds period) {
    return std::make_unique<Watcher>(
        std::make_unique<ScriptedGpu>(script_), own_, Census{},
        [this](Report report) { take(std::move(report)); },
        WatcherOptions{.period = period, .wallUs = [] { return TimeUs{42}; }});
  }

  Script script_;
  OwnProcesses own_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Report report_;
  int reports_ = 0;
};

TEST_F(WatcherTest, TheFirstReportIsThereAtOnce) {
  const auto watcher = watch(std::chrono::hours(1));
  const std::scoped_lock lock(mutex_);
  EXPECT_EQ(reports_, 1);
  EXPECT_EQ(report_.sharing, "");
}

TEST_F(WatcherTest, AForeignProcessComesAndGoes) {
  const auto watcher = watch(std::chrono::milliseconds(5));
  script_.lists({kOurs, 4242});
  const Report shared = until([](const Report& report) { return report.foreign.any(); });
  EXPECT_NE(shared.sharing.find("process 4242"), std::string::npos);
  script_.lists({kOurs});
  until([](const Report& report) { return !report.foreign.any() && report.sharing.empty(); });
}

TEST_F(WatcherTest, WhileTheDriverDoesNotTellTheLastWordHolds) {
  script_.lists({kOurs, 4242});
  const auto watcher = watch(std::chrono::milliseconds(5));
  until([](const Report& report) { return report.foreign.any(); });
  script_.fails();
  int seen = 0;
  {
    const std::scoped_lock lock(mutex_);
    seen = reports_;
  }
  until([&](const Report&) { return reports_ > seen + 2; });
  EXPECT_TRUE(until([](const Report&) { return true; }).foreign.any());
}

TEST_F(WatcherTest, AnXidIsToldWithoutWaitingForThePeriod) {
  const auto watcher = watch(std::chrono::hours(1));
  script_.logs(31);
  const Report outlived = until([](const Report& report) { return report.xids == 1; });
  EXPECT_EQ(outlived.lastXid->code, 31U);
  EXPECT_EQ(outlived.lastXid->wallUs, 42);
  EXPECT_FALSE(outlived.fault) << "a program's own fault";
  script_.logs(79);
  EXPECT_EQ(until([](const Report& report) { return report.xids == 2; }).fault->reason, "XidCritical");
  script_.logs(13);
  const Report later = until([](const Report& report) { return report.xids == 3; });
  EXPECT_NE(later.fault->message.find("Xid 79"), std::string::npos) << "the grave one stands";
  EXPECT_EQ(later.lastXid->code, 13U);
}

}  // namespace
}  // namespace daris::device
