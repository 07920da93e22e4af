// Random traffic and changes under joining, and what must always hold: nobody waits for company, what has
// begun goes on first, nobody is made late by a unit, high-priority tasks and who comes next bear it, every
// job ends exactly once, and the sums are those of the tasks. The seed is fixed. What units do exactly is
// compared with a second implementation (test/simulator/).
#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "joining_bed.hpp"

namespace daris::sched {
namespace {

constexpr std::uint32_t kWindow = 3;
constexpr std::uint32_t kStages = 2;

struct ModelTask {
  TaskSpec spec;
  ContextRef context;  // of its active job
  Token token = 0;     // of its active job; 0: none
  bool started = false;
  bool begun = false;  // of a unit of a joined class, and waits for its next stage
  bool removed = false;
  TimeUs deadlineUs = 0;
};

/// The last measurements of a class at a capacity, stage by stage.
using Measured = std::map<std::pair<ClassId, std::uint32_t>, std::array<std::deque<DurationUs>, kStages>>;

class Play {
 public:
  explicit Play(std::uint32_t seed) : random_(seed), bed_(config(true)) {
    classes_[1] = capacitiesOf({{1, 100}, {2, 130}, {4, 200}}, kStages);
    classes_[2] = capacitiesOf({{1, 40}, {3, 60}, {8, 300}}, kStages);
    for (const auto& [id, capacities] : classes_) EXPECT_TRUE(bed_.sched.setCapacities(id, capacities).ok());
  }

  void run() {
    for (int step = 0; step < 400 && !testing::Test::HasFailure(); ++step) {
      now_ += below(3) == 0 ? below(120) : 0;
      one();
      dispatchAll();
      checkSums();
    }
    drain();
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  Config config(bool joining) {
    contexts_ = 1 + below(2);
    Policy policy = joiningPolicy(below(2) == 0 ? Admission::Utilization : Admission::Predicted);
    policy.joining = joining;
    policy.mretWindow = kWindow;
    return partitionOf(contexts_, 1 + below(2), policy);
  }

  void one() {
    const std::uint32_t kind = below(40);
    if (kind < 4 && tasks_.size() < 30) return add();
    if (kind == 4) return remove();
    if (kind == 5) return change();
    if (kind == 6) return bound();
    if (kind == 7 && below(4) == 0) {
      joining_ = below(4) != 0;
      EXPECT_TRUE(bed_.sched.configure(config(joining_), now_).ok());
      return;
    }
    if (kind < 24) return release();
    end(kind == 24);
  }

  TaskSpec spec() {
    const ClassId classId = below(3);
    const auto known = classes_.find(classId);
    TaskSpec made = below(3) == 0 ? highTask(1, {50, 50}) : lowTask(1, {50, 50});
    if (known != classes_.end()) made.afetUs = known->second[0].afetUs;
    made.classId = classId;
    made.periodUs = 300 + below(3) * 700;
    made.deadlineUs = below(2) == 0 ? made.periodUs : made.periodUs - below(100);
    made.lateJobs = below(3) == 0 ? LateJobs::Drop : LateJobs::Finish;
    made.order = order_++;
    return made;
  }

  void add() {
    const TaskSpec made = spec();
    tasks_[bed_.add(made, now_)].spec = made;
  }

  std::map<TaskId, ModelTask>::iterator any() {
    auto found = tasks_.begin();
    if (!tasks_.empty()) std::advance(found, below(static_cast<std::uint32_t>(tasks_.size())));
    return found;
  }

  void remove() {
    const auto found = any();
    if (found == tasks_.end() || found->second.removed) return;
    EXPECT_TRUE(bed_.sched.removeTask(found->first, now_).ok());
    found->second.removed = true;
    if (found->second.token == 0) tasks_.erase(found);
  }

  /// Of an idle task: what it counts as is then known at once.
  void change() {
    const auto found = any();
    if (found == tasks_.end() || found->second.removed || found->second.token != 0) return;
    found->second.spec = spec();
    EXPECT_TRUE(bed_.sched.changeTask(found->first, found->second.spec, now_).ok());
  }

  void bound() {
    const ClassId classId = 1 + below(2);
    const std::uint32_t slots = below(2) == 0 ? kUnlimitedSlots : 1 + below(2);
    bounded_ = bounded_ || slots != kUnlimitedSlots;
    EXPECT_TRUE(bed_.sched.setSlots(classId, {0, below(contexts_)}, slots).ok());
  }

  void release() {
    const auto found = any();
    if (found == tasks_.end() || found->second.removed) return;
    const Token token = ++lastToken_;
    const ReleaseOutcome outcome = bed_.release(found->first, now_, token);
    EXPECT_EQ(outcome.decision == Decision::Skipped, found->second.token != 0);
    if (outcome.decision != Decision::Admitted) return;
    found->second.token = token;
    found->second.started = false;
    found->second.begun = false;
    found->second.context = outcome.context;
    found->second.deadlineUs = outcome.deadlineUs;
  }

  void ended(const JobEnd& jobEnd) {
    const auto found = tasks_.find(jobEnd.task);
    ASSERT_NE(found, tasks_.end());
    EXPECT_EQ(found->second.token, jobEnd.token) << "a job ends once, and no other than the active one";
    found->second.token = 0;
    found->second.begun = false;
    if (found->second.removed) tasks_.erase(found);
  }

  void end(bool fails) {
    if (running_.empty()) return;
    const std::size_t at = below(static_cast<std::uint32_t>(running_.size()));
    const Running done = running_[at];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    const DurationUs execUs = 1 + below(250);
    const StageCompletion completion = fails
                                           ? bed_.sched.fail(done.unit, done.stage, now_).value()
                                           : bed_.sched.complete(done.unit, done.stage, execUs, now_).value();
    ASSERT_EQ(completion.members.size(), done.tasks.size());
    if (!fails && done.formed) measured(done, execUs);
    const std::vector<MemberCompletion> members(completion.members.begin(), completion.members.end());
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(members[i].task, done.tasks[i]) << "the same jobs, in the same order, in every stage";
      EXPECT_EQ(members[i].end != nullptr, completion.finished) << "all or none end";
      if (!members[i].end) tasks_.at(done.tasks[i]).begun = done.formed;
      if (members[i].end) ended(*members[i].end);
    }
  }

  struct Running {
    UnitId unit;
    StageIndex stage;
    ClassId classId;
    std::uint32_t capacity;
    bool formed;
    std::vector<TaskId> tasks;
  };

  void measured(const Running& done, DurationUs execUs) {
    std::deque<DurationUs>& last = measured_[{done.classId, done.capacity}][done.stage];
    last.push_back(execUs);
    if (last.size() > kWindow) last.pop_front();
  }

  [[nodiscard]] DurationUs mretUs(ClassId classId, std::uint32_t jobs, StageIndex stage) {
    const std::deque<DurationUs>& last = measured_[{classId, jobs}][stage];
    if (!last.empty()) return *std::ranges::max_element(last);
    return std::ranges::find(classes_.at(classId), jobs, &Capacity::jobs)->afetUs[stage];
  }

  [[nodiscard]] DurationUs totalUs(ClassId classId, std::uint32_t jobs) {
    return mretUs(classId, jobs, 0) + mretUs(classId, jobs, 1);
  }

  void dispatchAll() {
    for (std::uint32_t index = 0; index < 2; ++index) {
      for (;;) {
        const auto next = bed_.sched.next({0, index}, now_);
        if (!next.ok() || next->kind == NextKind::Idle) break;
        if (next->kind == NextKind::Drop) {
          ended(next->dropped);
        } else {
          launched(next->run);
        }
      }
    }
    bed_.sched.snapshot(bed_.snapshot);
    for (const ContextSnapshot& context : bed_.snapshot.contexts)
      EXPECT_TRUE(bounded_ || context.readyUnits == 0 || context.busyStreams >= context.streams)
          << "a stage waits beside a free stream";
  }

  void launched(const Dispatch& run) {
    const bool formed = joining_ && classes_.contains(run.classId);
    if (run.first) formed_[run.unit] = formed;
    if (run.first && formed) checkFormed(run);
    Running now{run.unit, run.stage, run.classId, run.capacity, formed_.at(run.unit), {}};
    for (const UnitMember& member : run.members) {
      ModelTask& task = tasks_.at(member.task);
      EXPECT_EQ(task.token, member.token);
      EXPECT_EQ(task.started, !run.first);
      EXPECT_EQ(task.context, run.context);
      task.started = true;
      task.begun = false;
      now.tasks.push_back(member.task);
    }
    running_.push_back(std::move(now));
  }

  void checkFormed(const Dispatch& run) {
    for (const auto& [id, task] : tasks_)
      EXPECT_FALSE(task.begun && task.spec.classId == run.classId && task.context == run.context)
          << "a unit is formed although one of its class that has begun is ready";
    EXPECT_LE(run.members.size(), run.capacity);
    if (run.capacity == 1) return;
    const auto afetUs = [&](std::uint32_t jobs) {
      const auto& stages = std::ranges::find(classes_.at(run.classId), jobs, &Capacity::jobs)->afetUs;
      return static_cast<std::size_t>(stages[0] + stages[1]);
    };
    EXPECT_GT(run.members.size() * afetUs(1), afetUs(run.capacity)) << "(a): faster than one by one";
    const TimeUs aloneUs = now_ + totalUs(run.classId, 1);
    const TimeUs togetherUs = now_ + totalUs(run.classId, run.capacity);
    for (const UnitMember& member : run.members) {
      EXPECT_EQ(tasks_.at(member.task).spec.classId, run.classId);
      EXPECT_TRUE(aloneUs > member.deadlineUs || togetherUs <= member.deadlineUs) << "(b)";
    }
    DurationUs deadlineUs = kMaxTimeUs;
    DurationUs blockingUs = 0;
    for (const auto& [id, task] : tasks_) {
      if (task.spec.classId == run.classId) {
        deadlineUs = std::min(deadlineUs, task.spec.deadlineUs);
      } else {
        blockingUs = std::max(blockingUs, *std::ranges::max_element(task.spec.afetUs));
      }
    }
    EXPECT_LE(blockingUs + 2 * (togetherUs - now_), deadlineUs) << "(d)";
    const DurationUs longestUs =
        std::max(mretUs(run.classId, run.capacity, 0), mretUs(run.classId, run.capacity, 1));
    bed_.sched.snapshot(bed_.snapshot);
    for (const TaskSnapshot& task : bed_.snapshot.tasks) {
      if (task.priority != Priority::High || task.context != run.context) continue;
      const TaskSpec& spec = tasks_.at(task.task).spec;
      const bool joins = classes_.contains(spec.classId);
      const DurationUs own = joins ? totalUs(spec.classId, 1) : task.mretUs;
      EXPECT_LE(longestUs, spec.deadlineUs - own) << "(c)";
    }
  }

  void checkSums() {
    bed_.sched.snapshot(bed_.snapshot);
    for (const ContextSnapshot& context : bed_.snapshot.contexts) {
      std::array<Utilization, 2> total, active;
      for (const TaskSnapshot& task : bed_.snapshot.tasks) {
        if (task.context != context.context) continue;
        total[task.priority == Priority::Low] += task.util;
        if (task.active) active[task.priority == Priority::Low] += task.util;
      }
      EXPECT_EQ(context.highTotal, total[0]);
      EXPECT_EQ(context.lowTotal, total[1]);
      EXPECT_EQ(context.highActive, active[0]);
      EXPECT_EQ(context.lowActive, active[1]);
    }
  }

  void drain() {
    for (const auto& [id, capacities] : classes_)
      for (std::uint32_t index = 0; index < 2; ++index)
        (void)bed_.sched.setSlots(id, {0, index}, kUnlimitedSlots);
    dispatchAll();
    while (!running_.empty() && !testing::Test::HasFailure()) {
      end(false);
      dispatchAll();
    }
    for (const auto& [id, task] : tasks_) EXPECT_EQ(task.token, 0) << "a job never ended";
  }

  std::mt19937 random_;
  std::uint32_t contexts_ = 1;
  bool joining_ = true;
  bool bounded_ = false;
  JoiningBed bed_;
  TimeUs now_ = 0;
  std::uint64_t order_ = 0;
  Token lastToken_ = 0;
  std::map<ClassId, std::vector<Capacity>> classes_;
  std::map<TaskId, ModelTask> tasks_;
  std::map<UnitId, bool> formed_;
  std::vector<Running> running_;
  Measured measured_;
};

TEST(JoiningProperties, HoldThroughRandomTrafficAndChanges) {
  for (std::uint32_t seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Play(seed).run();
  }
}

}  // namespace
}  // namespace daris::sched
