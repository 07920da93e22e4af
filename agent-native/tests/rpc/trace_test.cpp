// The trace of the real process on the CPU engine: made again by the simulator, decision by decision, and as
// Chrome JSON.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "rpc/runtime_process.hpp"
#include "simulator/replay.hpp"

namespace daris::test {
namespace {

using nlohmann::json;

constexpr int kLowTasks = 16;

struct Totals {
  std::uint64_t completed = 0, rejected = 0, migrations = 0;
};

Totals totalsOf(const wire::ObservedState& state) {
  Totals totals;
  for (const auto& task : state.tasks()) {
    totals.completed += task.jobs().completed();
    totals.rejected += task.jobs().rejected();
    totals.migrations += task.migrations().count();
  }
  return totals;
}

/// A runtime under an overload of Low tasks that are released at the same instants, with two High tasks and
/// two tasks on request beside them. A deadline is three times the AFET, so that two jobs of Low tasks fit a
/// context at a time: of those released together some stay, some migrate, the others are rejected. On a
/// machine whose noise makes MRETs longer than that it is the ageing that lets tasks in again.
class TracedRuntime : public testing::Test {
 protected:
  TracedRuntime() : bed_({"--trace-records", "1048576"}) {
    bed_.serve(desired(1, 1'000'000));
    const auto state = bed_.waitFor([](const auto& seen) { return find(seen, "low-0")->afet_us() > 0; });
    bed_.serve(desired(2, 3 * find(state, "low-0")->afet_us()));
  }

  wire::DesiredState desired(std::uint64_t generation, std::int64_t deadlineUs) const {
    wire::DesiredState desired = bed_.desired(generation);
    desired.mutable_policy()->set_mret_aging(true);
    desired.mutable_policy()->set_mret_window(2);
    addTasks(desired, deadlineUs);
    return desired;
  }

  void addTasks(wire::DesiredState& desired, std::int64_t deadlineUs) const {
    for (std::uint32_t i = 0; i < 2; ++i) {
      wire::DesiredTask& high = addTask(desired, "high-" + std::to_string(i), bed_.chainDigest());
      high.set_priority(wire::PRIORITY_HIGH);
      high.set_context(i);
      high.set_period_us(200'000);
      high.set_deadline_us(200'000);
    }
    for (int i = 0; i < kLowTasks; ++i) {
      wire::DesiredTask& low = addTask(desired, "low-" + std::to_string(i), bed_.chainDigest());
      low.set_period_us(std::max<std::int64_t>(20'000, deadlineUs));
      low.set_deadline_us(deadlineUs);
      if (i % 2 == 1) low.set_late_jobs(wire::LATE_JOBS_DROP);
    }
    for (const auto& [name, jitterUs] : {std::pair{"burst", 1'000'000'000}, {"strict", 0}}) {
      wire::DesiredTask& task = addTask(desired, name, bed_.chainDigest());
      task.set_release(wire::RELEASE_ON_REQUEST);
      task.set_period_us(500'000);
      task.set_deadline_us(500'000);
      task.set_release_jitter_us(jitterUs);
    }
  }

  void request() {
    std::vector<std::jthread> clients;
    for (unsigned client = 0; client < 8; ++client) {
      clients.emplace_back([this, client] {
        for (unsigned i = 0; i < 10; ++i)
          (void)bed_.infer(chainRequest(client % 2 == 0 ? "burst.default" : "strict.default", i));
      });
    }
  }

  void load() {
    bed_.waitFor([](const auto& state) {
      const Totals totals = totalsOf(state);
      return totals.completed >= 200 && totals.rejected >= 200 && totals.migrations >= 10;
    });
  }

  /// Until one of them has had to wait; the records of all that happened.
  std::string requestUntilOneWaits() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      request();
      std::string text = bed_.trace(wire::TRACE_FORMAT_RECORDS);
      if (text.find("\"e\":\"waiting\"") != std::string::npos) return text;
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no request had to wait");
    }
  }

  Bed bed_;
};

struct CommandEnd {
  int status = -1;
  std::string output;
};

CommandEnd replayCommand(const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "trace.jsonl", output = folder.path() / "output";
  std::ofstream(file) << text;
  const int status =
      std::system((std::string(DARIS_SIM) + " replay " + file + " >" + output + " 2>&1").c_str());
  std::ostringstream said;
  said << std::ifstream(output).rdbuf();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, said.str()};
}

TEST_F(TracedRuntime, ReplayedThroughTheSimulatorItDecidesTheSame) {
  load();
  wire::DesiredState fewer = desired(3, 400'000);
  fewer.mutable_policy()->set_admission(wire::ADMISSION_PREDICTED);
  fewer.mutable_tasks()->DeleteSubrange(2, 3);
  bed_.serve(fewer);
  const std::string text = requestUntilOneWaits();

  std::istringstream lines(text);
  const simulator::ReplayResult result = simulator::replay(lines);
  ASSERT_FALSE(result.difference) << result.difference->line << ": " << result.difference->what << "\n"
                                  << result.difference->recorded << "\n"
                                  << result.difference->replayed;
  const auto compared = [&](const char* event) {
    const auto found = result.compared.find(event);
    return found == result.compared.end() ? 0 : found->second;
  };
  for (const auto& [event, least] : std::vector<std::pair<const char*, std::uint64_t>>{{"start", 1},
                                                                                       {"configure", 1},
                                                                                       {"add", kLowTasks + 4},
                                                                                       {"change", kLowTasks},
                                                                                       {"remove", 3},
                                                                                       {"slots", 2},
                                                                                       {"release", 400},
                                                                                       {"request", 20},
                                                                                       {"admit", 200},
                                                                                       {"reject", 200},
                                                                                       {"migrate", 10},
                                                                                       {"early", 1},
                                                                                       {"waiting", 1},
                                                                                       {"dispatch", 800},
                                                                                       {"complete", 800},
                                                                                       {"idle", 200},
                                                                                       {"finish", 200}})
    EXPECT_GE(compared(event), least) << event;

  const CommandEnd same = replayCommand(text);
  EXPECT_EQ(same.status, 0) << same.output;
  EXPECT_NE(same.output.find(" lines are as recorded: add "), std::string::npos) << same.output;
}

TEST_F(TracedRuntime, AChangedDecisionIsFoundAtItsLine) {
  load();
  std::string text = bed_.trace(wire::TRACE_FORMAT_RECORDS);
  auto place = text.find("\"e\":\"dispatch\"", text.size() / 2);
  ASSERT_NE(place, std::string::npos);
  const auto line = std::count(text.begin(), text.begin() + static_cast<long>(place), '\n') + 1;
  place = text.find("\"level\":", place) + 8;
  text[place] = text[place] == '0' ? '1' : '0';
  const CommandEnd changed = replayCommand(text);
  EXPECT_EQ(changed.status, 1) << changed.output;
  EXPECT_NE(changed.output.find("line " + std::to_string(line) + " differs: level: recorded "),
            std::string::npos)
      << changed.output;
}

TEST_F(TracedRuntime, ThePastSecondOpensAsChromeJson) {
  load();
  const json trace = json::parse(bed_.trace(wire::TRACE_FORMAT_CHROME, 1));
  std::map<std::string, int> phases;
  std::set<std::string> names;
  std::int64_t last = 0, first = INT64_MAX;
  for (const json& event : trace.at("traceEvents")) {
    ++phases[event.at("ph")];
    if (event.at("ph") == "M") {
      names.insert(event.at("args").at("name"));
      continue;
    }
    EXPECT_GE(event.at("ts"), last) << event;
    last = event.at("ts");
    first = std::min(first, last);
  }
  EXPECT_LE(last - first, 2'000'000) << "a second was asked for";
  EXPECT_EQ(phases["B"], phases["E"]);
  EXPECT_GT(phases["B"], 20);
  EXPECT_GT(phases["i"], 20);
  EXPECT_GT(phases["C"], 5);
  for (const char* name : {"tasks", "gpu0 context 0", "gpu0 context 1", "stream 0", "default/low-0"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_EQ(trace.at("otherData").at("instance"), bed_.info().instance_id());
}

/// A reader of whom no more is in flight than 64 KiB; of others that depends on the channel's past, and may
/// be all.
std::unique_ptr<wire::Runtime::Stub> narrowReader(const std::string& socket) {
  grpc::ChannelArguments narrow;
  narrow.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  narrow.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  narrow.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  return wire::Runtime::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), narrow));
}

TEST_F(TracedRuntime, ReadersThatDoNotReadHarmNobody) {
  load();
  const auto reader = narrowReader(bed_.socket().string());
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<wire::TraceChunk>> stream;
  };
  std::vector<std::unique_ptr<Call>> stalled;
  wire::TraceRequest request;
  request.set_format(wire::TRACE_FORMAT_RECORDS);
  for (int i = 0; i < 2; ++i) {
    auto call = std::make_unique<Call>();
    call->stream = reader->Trace(&call->context, request);
    wire::TraceChunk chunk;
    ASSERT_TRUE(call->stream->Read(&chunk));
    stalled.push_back(std::move(call));
  }
  EXPECT_THROW((void)bed_.trace(wire::TRACE_FORMAT_CHROME), std::runtime_error);
  const std::uint64_t before = totalsOf(bed_.waitFor([](const auto&) { return true; })).completed;
  bed_.waitFor([&](const auto& state) { return totalsOf(state).completed > before + 20; });
  for (auto& call : stalled) {
    call->context.TryCancel();
    (void)call->stream->Finish();
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (bool read = false; !read;) {  // the server learns of the end by and by
    try {
      read = !bed_.trace(wire::TRACE_FORMAT_CHROME).empty();
    } catch (const std::runtime_error&) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
  }
}

TEST(Trace, OfARuntimeThatWasToldNothingIsEmptyButValid) {
  Bed bed;
  EXPECT_EQ(json::parse(bed.trace(wire::TRACE_FORMAT_CHROME)).at("traceEvents").size(), 1U);
  const CommandEnd end = replayCommand(bed.trace(wire::TRACE_FORMAT_RECORDS));
  EXPECT_EQ(end.status, 2);
  EXPECT_NE(end.output.find("no `start`"), std::string::npos) << end.output;
}

TEST(Trace, ASmallRingThatWasOverwrittenBeginsInTheMiddle) {
  Bed bed({"--trace-records", "1024"});
  auto desired = bed.desired(1);
  addTask(desired, "a", bed.chainDigest()).set_priority(wire::PRIORITY_HIGH);  // never rejected
  bed.serve(desired);
  bed.waitFor([](const auto& state) { return find(state, "a")->jobs().completed() > 150; });
  const std::string text = bed.trace(wire::TRACE_FORMAT_RECORDS);
  EXPECT_EQ(json::parse(text.substr(0, text.find('\n'))).at("records"), 1024);
  const CommandEnd end = replayCommand(text);
  EXPECT_EQ(end.status, 2);
  EXPECT_NE(end.output.find("begins in the middle"), std::string::npos) << end.output;
  EXPECT_EQ(json::parse(bed.trace(wire::TRACE_FORMAT_CHROME)).at("otherData").at("records"), 1024);
}

}  // namespace
}  // namespace daris::test
