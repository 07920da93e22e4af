// Traces in pieces, and the lines of the decision record.
#include "trace/export.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "trace/traffic.hpp"

namespace daris::trace {
namespace {

using nlohmann::json;

const Origin kOrigin{"instance-1", "0.1.0", 5'000'000, 7};

std::string textOf(Export& trace, std::size_t bytes) {
  std::string text, piece;
  while (trace.next(piece, bytes)) {
    EXPECT_FALSE(piece.empty());
    EXPECT_LT(piece.size(), bytes + 4096);
    text += piece;
  }
  EXPECT_FALSE(trace.next(piece, bytes));
  return text;
}

TEST(Export, TheSizeOfPiecesDoesNotChangeTheText) {
  Ring ring(1 << 12);
  test::Traffic traffic(ring);
  traffic.run(5'000);
  for (const Format format : {Format::Chrome, Format::JsonLines}) {
    Export small(ring.readFrom(0), traffic.labels(), kOrigin, format);
    Export large(ring.readFrom(0), traffic.labels(), kOrigin, format);
    EXPECT_EQ(textOf(small, 1 << 12), textOf(large, 1 << 24));
  }
}

TEST(JsonLines, EveryLineIsAnObjectAndTheFirstSaysWhatIsHeld) {
  Ring ring(1 << 12);
  test::Traffic traffic(ring);
  traffic.run(20'000);
  traffic.change();
  Export trace(ring.readFrom(0), traffic.labels(), kOrigin, Format::JsonLines);
  std::istringstream lines(textOf(trace, 1 << 16));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const json first = json::parse(line);
  EXPECT_EQ(first.at("e"), "trace");
  EXPECT_EQ(first.at("records"), ring.written());
  while (std::getline(lines, line)) {
    const json parsed = json::parse(line);
    EXPECT_TRUE(parsed.at("t").is_number_integer());
    EXPECT_NE(parsed.at("e"), "") << line;
  }
}

TEST(JsonLines, LinesAreThoseOfTheSimulatorsTraceWithMoreFields) {
  Ring ring(64);
  auto scheduler = RecordedScheduler::create({{{8, 2, 1, 1}}, {}}, ring, 0);
  sched::TaskSpec spec;
  spec.periodUs = spec.deadlineUs = 1000;
  spec.afetUs = {100};
  spec.order = 1;
  spec.context = sched::ContextRef{0, 1};
  const auto added = scheduler->addTask(spec, 1);
  const auto released = scheduler->release(added->task, {9, 2}, 3);
  ASSERT_TRUE(released.ok());
  const auto run = scheduler->next({0, 1}, 5);
  ASSERT_TRUE(scheduler->complete(run->run.unit, 0, 110, 115).ok());
  Export trace(ring.readFrom(0), {{1, "default/a"}}, kOrigin, Format::JsonLines);
  const std::string text = textOf(trace, 1 << 16);
  EXPECT_EQ(text.substr(text.find("{\"t\":3,")),
            R"({"t":3,"e":"release","task":"default/a","job":0,"nominal":2,"token":9}
{"t":3,"e":"admit","task":"default/a","job":0,"context":1,"active":0,"util":0.1,"remaining":1,"deadline":1002}
{"t":5,"e":"dispatch","task":"default/a","job":0,"stage":0,"gpu":"gpu0","context":1,"stream":0,"level":5,"deadline":1002}
{"t":115,"e":"complete","task":"default/a","job":0,"stage":0,"exec":110,"missed":false,"mret":110}
{"t":115,"e":"finish","task":"default/a","job":0,"response":113,"missed":false}
)");
}

}  // namespace
}  // namespace daris::trace
