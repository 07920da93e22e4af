// Algorithm 1, as a pure function and through addTask.
#include "sched/assignment.hpp"

#include "bed.hpp"

namespace daris::sched {
namespace {

AssignmentTask task(std::string_view name, Priority priority, std::int64_t util) {
  return {name, priority, billionths(util), std::nullopt};
}

std::vector<AssignmentContext> contexts(std::initializer_list<std::uint32_t> streams) {
  std::vector<AssignmentContext> out;
  for (const std::uint32_t n : streams) out.push_back({{0, static_cast<std::uint32_t>(out.size())}, n, {}});
  return out;
}

/// "name@context" in the order of assignment.
std::vector<std::string> placed(const std::vector<AssignmentTask>& tasks, std::vector<AssignmentContext> to) {
  std::vector<std::string> out;
  for (const Assignment& a : assign(tasks, std::move(to)))
    out.push_back(std::string(tasks[a.task].name) + "@" + std::to_string(a.context.gpu) + "/" +
                  std::to_string(a.context.index));
  return out;
}

using Placed = std::vector<std::string>;

TEST(Algorithm1, HighFirstThenDescendingUtilizationTiesByName) {
  const std::vector<AssignmentTask> tasks = {
      task("l2", Priority::Low, 900), task("h1", Priority::High, 100), task("h2", Priority::High, 300),
      task("b", Priority::Low, 500),  task("a", Priority::Low, 500),
  };
  // h2→0 (300), h1→1 (100), l2→1 (1000), a→0 (800), b→0 (1300)
  EXPECT_EQ(placed(tasks, contexts({1, 1})), (Placed{"h2@0/0", "h1@0/1", "l2@0/1", "a@0/0", "b@0/0"}));
}

TEST(Algorithm1, NamesSortByUnsignedBytes) {
  const std::vector<AssignmentTask> tasks = {task("\xc3\xa9", Priority::Low, 5), task("z", Priority::Low, 5)};
  EXPECT_EQ(placed(tasks, contexts({1, 1})), (Placed{"z@0/0", "\xc3\xa9@0/1"}));
}

TEST(Algorithm1, TasksThatNameAContextComeFirstInTaskOrderAndCount) {
  std::vector<AssignmentTask> tasks = {task("h", Priority::High, 100), task("p", Priority::Low, 50),
                                       task("q", Priority::Low, 900)};
  tasks[1].context = tasks[2].context = ContextRef{0, 0};
  EXPECT_EQ(placed(tasks, contexts({1, 1})), (Placed{"p@0/0", "q@0/0", "h@0/1"}));
}

TEST(Algorithm1, ContextsCompareByUtilizationPerStream) {
  const std::vector<AssignmentTask> tasks = {task("a", Priority::High, 300), task("b", Priority::High, 200),
                                             task("c", Priority::High, 100)};
  // a→0 (300/1), b→1 (200/3), c→1: 200/3 < 300
  EXPECT_EQ(placed(tasks, contexts({1, 3})), (Placed{"a@0/0", "b@0/1", "c@0/1"}));
}

TEST(Algorithm1, TiesGoToTheFirstGpuThenTheLowestIndex) {
  std::vector<AssignmentContext> pool = {{{0, 0}, 2, {}}, {{0, 1}, 2, {}}, {{1, 0}, 2, {}}};
  const std::vector<AssignmentTask> tasks = {task("a", Priority::Low, 10), task("b", Priority::Low, 10),
                                             task("c", Priority::Low, 10)};
  EXPECT_EQ(placed(tasks, pool), (Placed{"a@0/0", "b@0/1", "c@1/0"}));
}

TEST(Algorithm1, TotalsAreThoseAfterTheAssignment) {
  const std::vector<AssignmentTask> tasks = {task("a", Priority::Low, 10), task("b", Priority::Low, 7)};
  const std::vector<Assignment> result = assign(tasks, contexts({1}));
  EXPECT_EQ(result[0].total, billionths(10));
  EXPECT_EQ(result[1].total, billionths(17));
}

TEST(Algorithm1, EachOfManyTasksGoesToTheLeastLoadedOfThatMoment) {
  std::vector<AssignmentContext> model = contexts({1, 2, 3, 1, 2, 1, 5, 1});
  std::vector<AssignmentTask> tasks;
  // Utilizations that repeat, so that totals tie.
  for (int i = 0; i < 300; ++i) tasks.push_back(task("same", Priority::Low, 1000 + i * 37 % 11));
  for (const Assignment& a : assign(tasks, model)) {
    std::size_t least = 0;
    for (std::size_t i = 1; i < model.size(); ++i)
      if (lessLoaded(model[i].total, model[i].streams, model[least].total, model[least].streams)) least = i;
    EXPECT_EQ(a.context, model[least].context);
    model[least].total += a.util;
    EXPECT_EQ(a.total, model[least].total);
  }
}

TEST(Algorithm1, AddTaskPicksTheLeastLoadedContext) {
  Bed bed(partitionOf(2, 1));
  EXPECT_EQ(bed.sched.addTask(highTask(1000, {300}), 0).value().context.index, 0u);
  const Added second = bed.sched.addTask(lowTask(1000, {200}), 0).value();
  EXPECT_EQ(second.context.index, 1u);
  EXPECT_EQ(second.util, billionths(200'000'000));
  const Added third = bed.sched.addTask(lowTask(1000, {200}), 0).value();
  EXPECT_EQ(third.context.index, 1u);
  EXPECT_EQ(third.total, billionths(400'000'000));
}

}  // namespace
}  // namespace daris::sched
