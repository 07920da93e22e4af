// Recorded traces made again on a core of the replay's own.
#include "simulator/replay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "trace/export.hpp"
#include "trace/traffic.hpp"

namespace daris::simulator {
namespace {

std::vector<std::string> linesOf(trace::Extract extract, const trace::Labels& labels) {
  trace::Export lines(std::move(extract), labels, {"instance-1", "0.1.0", 0, 0}, trace::Format::JsonLines);
  std::string text, piece;
  while (lines.next(piece, 1 << 16)) text += piece;
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

ReplayResult replayed(const std::vector<std::string>& lines) {
  std::stringstream text;
  for (const std::string& line : lines) text << line << '\n';
  return replay(text);
}

std::string failureOf(const std::vector<std::string>& lines) {
  try {
    (void)replayed(lines);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "";
}

class Replay : public testing::Test {
 protected:
  Replay() : ring_(1 << 16), traffic_(ring_) {
    for (int i = 0; i < 4; ++i) {
      traffic_.run(40'000);
      traffic_.change();
    }
    traffic_.run(40'000);
    lines_ = linesOf(ring_.readFrom(0), traffic_.labels());
  }

  /// The position of the n-th line of an event.
  std::size_t find(const std::string& event, int n) const {
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (lines_[i].find("\"e\":\"" + event + "\"") != std::string::npos && n-- == 0) return i;
    throw std::logic_error("no such line: " + event);
  }

  trace::Ring ring_;
  test::Traffic traffic_;
  std::vector<std::string> lines_;
};

TEST_F(Replay, MakesTheSameDecisions) {
  const ReplayResult result = replayed(lines_);
  ASSERT_FALSE(result.difference) << result.difference->what << "\n"
                                  << result.difference->recorded << "\n"
                                  << result.difference->replayed;
  std::uint64_t compared = 0;
  for (const auto& [event, count] : result.compared) compared += count;
  EXPECT_EQ(compared, lines_.size() - 1) << "all but the first line, which says where the trace comes from";
  EXPECT_EQ(result.skipped, 0U);
  for (const char* event : {"start",   "configure", "add",    "change",   "remove", "slots",    "release",
                            "request", "withdraw",  "idle",   "dispatch", "drop",   "complete", "fail",
                            "migrate", "admit",     "reject", "skip",     "early",  "waiting",  "finish"})
    EXPECT_TRUE(result.compared.contains(event)) << event;
}

TEST(JoinedReplay, MakesTheSameUnits) {
  trace::Ring ring(1 << 16);
  test::Traffic traffic(ring, true);
  for (int i = 0; i < 4; ++i) {
    traffic.run(40'000);
    traffic.change();
  }
  const std::vector<std::string> lines = linesOf(ring.readFrom(0), traffic.labels());
  const ReplayResult result = replayed(lines);
  ASSERT_FALSE(result.difference) << result.difference->what << "\n"
                                  << result.difference->recorded << "\n"
                                  << result.difference->replayed;
  EXPECT_EQ(result.compared.at("capacities"), 2);
  const auto units = std::ranges::count_if(
      lines, [](const std::string& line) { return line.find(",\"jobs\":") != std::string::npos; });
  EXPECT_GT(units, 100);
}

/// Every field that the core decides, changed by itself, is found at its line.
TEST_F(Replay, FindsEachChangedDecisionAtItsLine) {
  const std::vector<std::tuple<std::string, std::string, nlohmann::json>> changes{
      {"admit", "context", 7},     {"admit", "util", 0.123},    {"reject", "util", 0.5},
      {"migrate", "to", 5},        {"dispatch", "stage", 9},    {"dispatch", "stream", 3},
      {"dispatch", "level", 8},    {"dispatch", "deadline", 1}, {"complete", "mret", 1},
      {"complete", "missed", "x"}, {"finish", "response", 1},   {"finish", "missed", 3},
      {"early", "retryAt", 1},     {"skip", "job", 99'999},     {"add", "total", 0.5},
      {"remove", "draining", 2},   {"drop", "response", 1},     {"release", "job", 77'777}};
  for (const auto& [event, field, value] : changes) {
    const std::size_t at = find(event, 1);
    auto lines = lines_;
    auto line = nlohmann::json::parse(lines[at]);
    ASSERT_TRUE(line.contains(field)) << lines[at];
    line[field] = value;
    lines[at] = line.dump();
    const ReplayResult result = replayed(lines);
    ASSERT_TRUE(result.difference) << event << "." << field;
    EXPECT_EQ(result.difference->line, at + 1) << event << "." << field << ": " << result.difference->what;
    EXPECT_NE(result.difference->what.find(field), std::string::npos) << result.difference->what;
  }
}

TEST_F(Replay, FindsADecisionThatIsNoMoreThere) {
  auto lines = lines_;
  const std::size_t at = find("admit", 5);
  lines.erase(lines.begin() + static_cast<long>(at));
  const ReplayResult result = replayed(lines);
  ASSERT_TRUE(result.difference);
  EXPECT_EQ(result.difference->line, at + 1);
}

TEST_F(Replay, FindsADecisionThatWasAdded) {
  auto lines = lines_;
  const std::size_t at = find("admit", 5);
  lines.insert(lines.begin() + static_cast<long>(at), lines[at]);
  const ReplayResult result = replayed(lines);
  ASSERT_TRUE(result.difference);
  EXPECT_EQ(result.difference->line, at + 2);
}

TEST_F(Replay, AnInputThatWasChangedShowsInWhatFollows) {
  auto lines = lines_;
  const std::size_t at = find("complete", 20);
  auto line = nlohmann::json::parse(lines[at]);
  line["exec"] = line["exec"].get<std::int64_t>() + 1000;
  lines[at] = line.dump();
  const ReplayResult result = replayed(lines);
  ASSERT_TRUE(result.difference);
  EXPECT_GE(result.difference->line, at + 1);
}

TEST_F(Replay, AnAnswerThatTheEndCutsOffIsNoDifference) {
  auto lines = lines_;
  lines.resize(find("admit", 9));  // its release is the last line
  EXPECT_FALSE(replayed(lines).difference);
}

TEST_F(Replay, LinesBeforeTheFirstStartAreLeftOut) {
  auto lines = lines_;
  lines.insert(lines.begin(), 3, lines_[find("release", 0)]);
  const ReplayResult result = replayed(lines);
  EXPECT_FALSE(result.difference);
  EXPECT_EQ(result.skipped, 3U);
}

TEST_F(Replay, ATraceFromTheMiddleSaysSo) {
  const auto from = lines_.begin() + static_cast<long>(find("admit", 0));
  EXPECT_NE(failureOf({from, lines_.end()}).find("begins in the middle"), std::string::npos);
  EXPECT_EQ(failureOf({}), "the trace is empty");
}

TEST_F(Replay, AnInvalidFileNamesLineAndField) {
  const std::vector<std::tuple<std::string, std::string, std::string, std::string>> wrong{
      {"release", "\"task\":\"default", "\"task\":\"nobody", ".task: \"nobody"},
      {"release", "\"t\":", "\"t\":1.5,\"was\":", ".t: must be an integer"},
      {"complete", "\"exec\":", "\"exec\":-", ".exec: must be an integer"},
      {"complete", "\"exec\":", "\"was\":", ".exec: is missing"},
      {"dispatch", "\"gpu\":\"gpu0\"", "\"gpu\":\"gpu9\"", ".gpu: \"gpu9\" is no GPU"},
      {"release", "\"e\":\"release\"", "\"e\":\"relase\"", ".e: \"relase\" is no event"},
      {"finish", "}", "", ": cause: is not JSON"},
      {"add", "\"periodUs\":", "\"periodUs\":\"long\",\"was\":", ".periodUs: must be an integer"},
      {"start", "\"contexts\":", "\"contexts\":0,\"was\":", ".gpus[0].contexts: must be an integer"},
  };
  for (const auto& [event, from, to, words] : wrong) {
    const std::size_t at = find(event, event == "start" ? 0 : 1);
    auto lines = lines_;
    const auto place = lines[at].find(from);
    ASSERT_NE(place, std::string::npos) << lines[at];
    lines[at].replace(place, from.size(), to);
    const std::string message = failureOf(lines);
    EXPECT_EQ(message.rfind("line " + std::to_string(at + 1), 0), 0U) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace daris::simulator
