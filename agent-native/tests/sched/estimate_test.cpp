// Equations of estimates: MRET (1, 2), utilization (3, 10), virtual deadlines (8), SMs (9), and exact
// predicted finishes.
#include "bed.hpp"
#include "sched/mret_window.hpp"
#include "sched/partition.hpp"
#include "sched/virtual_deadline.hpp"

namespace daris::sched {
namespace {

MretWindows windowsOf(std::vector<DurationUs> afetUs, std::uint32_t window) {
  MretWindows windows;
  windows.reset(afetUs, window);
  return windows;
}

TEST(Eq1, MretIsMaxOfWindow) {
  MretWindows windows = windowsOf({100}, 3);
  struct Step {
    DurationUs execUs;
    DurationUs mretUs;
  };
  // The window holds the last three; 300 leaves with the fourth measurement after it.
  for (const Step& step :
       std::vector<Step>{{300, 300}, {200, 300}, {250, 300}, {90, 250}, {80, 250}, {70, 90}}) {
    windows.record(0, step.execUs);
    EXPECT_EQ(windows.mretUs(0), step.mretUs);
  }
}

TEST(Eq1, AfetStandsInUntilTheFirstMeasurementReplacesIt) {
  MretWindows windows = windowsOf({100, 50}, 5);
  EXPECT_EQ(windows.mretUs(0), 100);
  windows.record(0, 40);
  EXPECT_EQ(windows.mretUs(0), 40) << "AFET is replaced, not one entry of the maximum";
  EXPECT_EQ(windows.mretUs(1), 50) << "stage by stage";
}

TEST(Eq1, AMeasurementOfZeroCountsAsOne) {
  MretWindows windows = windowsOf({100}, 5);
  windows.record(0, 0);
  EXPECT_EQ(windows.mretUs(0), 1);
}

TEST(Eq2, MretOfTaskIsSumOverStages) {
  MretWindows windows = windowsOf({100, 50, 25}, 5);
  EXPECT_EQ(windows.totalUs(), 175);
  windows.record(1, 70);
  EXPECT_EQ(windows.totalUs(), 195);
  EXPECT_EQ(windows.totalAfetUs(), 175);
}

TEST(Aging, DropsTheOldestEntryOfEachStageAndFallsBackToAfet) {
  MretWindows windows = windowsOf({100, 50}, 3);
  for (const DurationUs execUs : {900, 200, 300}) windows.record(0, execUs);
  windows.record(1, 80);
  windows.age();
  EXPECT_EQ(windows.mretUs(0), 300);
  EXPECT_EQ(windows.mretUs(1), 50) << "empty: AFET";
  windows.age();
  windows.age();
  EXPECT_EQ(windows.mretUs(0), 100);
  windows.age();
  EXPECT_EQ(windows.totalUs(), 150) << "nothing left to drop";
}

TEST(Aging, AWindowThatWasAgedTakesNewMeasurementsInOrder) {
  MretWindows windows = windowsOf({100}, 3);
  for (const DurationUs execUs : {900, 200, 300}) windows.record(0, execUs);
  windows.age();
  windows.record(0, 10);
  EXPECT_EQ(windows.mretUs(0), 300);
  windows.record(0, 20);
  windows.record(0, 30);
  EXPECT_EQ(windows.mretUs(0), 30);
}

TEST(MretWindow, ResizeKeepsTheNewest) {
  MretWindows windows = windowsOf({100}, 4);
  for (const DurationUs execUs : {900, 500, 200, 300, 100}) windows.record(0, execUs);
  windows.resize(2);
  EXPECT_EQ(windows.mretUs(0), 300);
  windows.resize(5);
  windows.record(0, 50);
  EXPECT_EQ(windows.mretUs(0), 300);
}

TEST(Eq3, UtilizationIsMretOverTheSmallerOfDeadlineAndPeriodRoundedUp) {
  EXPECT_EQ(utilizationOf(650, 33333, 33333), billionths(19'500'196));  // 19500195.0019...
  EXPECT_EQ(utilizationOf(500, 1000, 1000), billionths(500'000'000));
  EXPECT_EQ(utilizationOf(500, 1000, 4000), billionths(500'000'000)) << "D < T";
  EXPECT_EQ(utilizationOf(1, 3, 3), billionths(333'333'334));
}

TEST(Eq3, HoldsForTheLargestTimesWithoutOverflow) {
  const Utilization huge = utilizationOf(kMaxTimeUs * kMaxStages, 1, 1);
  EXPECT_EQ(huge.billionths, static_cast<Wide>(kMaxTimeUs) * kMaxStages * kBillion);
  EXPECT_FALSE(lessLoaded(huge, 1, huge, 1));
  EXPECT_TRUE(lessLoaded(huge, 2, huge, 1));
}

TEST(Eq8, VirtualDeadlinesAreSharesOfTheDeadlineByMret) {
  MretWindows windows = windowsOf({100, 200, 300}, 5);
  std::vector<StageTerms> stages(3);
  setVirtualDeadlines(windows, 5000, 1000, stages);
  EXPECT_EQ(stages[0].virtualDeadlineUs, 5166);  // floor(1000 * 100 / 600)
  EXPECT_EQ(stages[1].virtualDeadlineUs, 5500);
  EXPECT_EQ(stages[2].virtualDeadlineUs, 6000) << "the last is the job's deadline";
  EXPECT_EQ(firstVirtualDeadline(windows, 5000, 1000), 5166);
}

TEST(Eq8, AreFixedAtRelease) {
  Bed bed(partitionOf(1, 1));
  const TaskId task = bed.add(lowTask(1000, {100, 300}));
  bed.release(task, 0);
  const Dispatch first = bed.run(0);
  EXPECT_EQ(first.virtualDeadlineUs, 250);
  bed.complete(first, 200, 200);  // MRETs are now 200 and 300
  EXPECT_EQ(bed.run(200).virtualDeadlineUs, 1000);
  EXPECT_EQ(bed.task(task).mretUs, 500);
}

TEST(Eq9, SmsPerContextAreTheShareRoundedUpToEven) {
  struct Case {
    std::uint32_t sms, contexts;
    double oversubscription;
    std::uint32_t expected;
  };
  const Case cases[] = {{68, 6, 6, 68},  {68, 6, 1, 12},    {68, 4, 1, 18}, {68, 6, 2, 24}, {132, 6, 1.5, 34},
                        {132, 6, 1, 22}, {110, 6, 1.2, 22}, {7, 1, 1, 7},   {3, 2, 1.5, 3}};
  for (const Case& c : cases)
    EXPECT_EQ(smsPerContext({c.sms, c.contexts, 1, c.oversubscription}), c.expected)
        << c.sms << "/" << c.contexts << " OS " << c.oversubscription;
}

TEST(PredictedFinish, IsTheNearestDouble) {
  EXPECT_EQ((PredictedFinish{0, 3}.toDouble()), 0.0);
  EXPECT_EQ((PredictedFinish{10, 4}.toDouble()), 2.5);
  EXPECT_EQ((PredictedFinish{1, 3}.toDouble()), 1.0 / 3.0);
  EXPECT_EQ((PredictedFinish{-10, 4}.toDouble()), -2.5);
  // 2^53 + 1 is no double: exactly between two, to the even one; the smallest bit more rounds up.
  EXPECT_EQ((PredictedFinish{(Wide{1} << 53) + 1, 1}.toDouble()), 9007199254740992.0);
  EXPECT_EQ((PredictedFinish{((Wide{1} << 53) + 1) * 3 + 1, 3}.toDouble()), 9007199254740994.0);
}

}  // namespace
}  // namespace daris::sched
