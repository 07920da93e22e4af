#include "simulator/replay.hpp"

#include <deque>
#include <set>
#include <string_view>

#include "simulator/replay_calls.hpp"

namespace daris::simulator {

namespace {

using nlohmann::json;

const std::set<std::string, std::less<>> kDecisions{"migrate", "admit",   "reject", "skip",
                                                    "early",   "waiting", "finish"};

/// The first field in which a line differs from what the core says; empty where none does. Other fields of
/// the line are nobody's business.
std::string differenceOf(const json& recorded, const json& replayed) {
  for (const auto& [key, value] : replayed.items()) {
    const auto found = recorded.find(key);
    if (found == recorded.end()) return key + ": recorded nothing, replayed " + value.dump();
    if (*found != value) return key + ": recorded " + found->dump() + ", replayed " + value.dump();
  }
  return "";
}

class Replay {
 public:
  ReplayResult run(std::istream& lines) {
    std::string line;
    while (!result_.difference && std::getline(lines, line)) {
      ++number_;
      if (!line.empty()) take(line);
    }
    if (!calls_.started()) throw ScenarioError(beginsInTheMiddle());
    return std::move(result_);
  }

 private:
  void take(const std::string& line);
  void call(const json& parsed, const std::string& event, const std::string& line);
  void compare(const json& parsed, const std::string& event, const std::string& line);
  void differ(std::string what, const std::string& recorded, std::string replayed = "") {
    result_.difference = Difference{number_, std::move(what), recorded, std::move(replayed)};
  }
  [[nodiscard]] std::string path() const { return "line " + std::to_string(number_); }
  [[nodiscard]] std::string beginsInTheMiddle() const;

  ReplayCalls calls_;
  std::deque<std::string> answers_;  // of the last call, not yet compared
  std::uint64_t number_ = 0;
  ReplayResult result_;
};

void Replay::take(const std::string& line) {
  json parsed;
  try {
    parsed = parseStrictly(line);
  } catch (const ScenarioError& error) {
    throw ScenarioError(path() + ": " + error.what());
  }
  Fields fields(parsed, path());
  const std::string event = fields.text("e");
  const bool isCall = ReplayCalls::isCall(event);
  if (event == "trace") return (void)fields.integer("version", 1, 1);
  if (!isCall && !kDecisions.contains(event))
    throw ScenarioError(fields.pathOf("e") + ": \"" + event + "\" is no event of a recorded trace");
  if (!calls_.started() && event != "start") {
    ++result_.skipped;
    return;
  }
  if (answers_.empty()) {
    if (!isCall) return differ("the core decided nothing more after the call before", line);
    call(parsed, event, line);
  }
  if (!result_.difference) compare(parsed, event, line);
}

void Replay::call(const json& parsed, const std::string& event, const std::string& line) {
  ReplayCalls::Answer answer = calls_.make(parsed, event, path());
  if (!answer.refusal.empty()) return differ("the core refuses the call: " + answer.refusal, line);
  if (answer.lines.empty()) return differ("the core found nothing to do here", line);
  answers_.assign(std::make_move_iterator(answer.lines.begin()), std::make_move_iterator(answer.lines.end()));
}

void Replay::compare(const json& parsed, const std::string& event, const std::string& line) {
  std::string what = differenceOf(parsed, json::parse(answers_.front()));
  if (!what.empty()) return differ(std::move(what), line, std::move(answers_.front()));
  answers_.pop_front();
  ++result_.compared[event];
}

std::string Replay::beginsInTheMiddle() const {
  if (number_ == 0) return "the trace is empty";
  return "the trace holds no `start`: it begins in the middle of a scheduler's life, whose state then cannot "
         "be "
         "known. Record from the start of the runtime, with a ring large enough (daris-runtime "
         "--trace-records)";
}

}  // namespace

ReplayResult replay(std::istream& lines) {
  return Replay().run(lines);
}

}  // namespace daris::simulator
