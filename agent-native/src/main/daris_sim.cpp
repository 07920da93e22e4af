// daris-sim run SCENARIO.json [--trace TRACE.jsonl] [--summary SUMMARY.json]
// daris-sim replay TRACE.jsonl
// Exit status: 0, 1 when an output cannot be written or a replay differs, 2 when the command or a file is
// invalid.
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "simulator/replay.hpp"
#include "simulator/simulation.hpp"

namespace {

constexpr const char* kUsage =
    "usage: daris-sim run SCENARIO.json [--trace TRACE.jsonl] [--summary SUMMARY.json]\n"
    "       daris-sim replay TRACE.jsonl\n";
constexpr int kDiffers = 1;
constexpr int kInvalid = 2;

struct Arguments {
  std::string scenario;
  std::optional<std::string> trace;
  std::optional<std::string> summary;  // absent: to the standard output
};

std::optional<Arguments> parseArguments(int argc, char** argv) {
  if (argc < 3 || std::string_view(argv[1]) != "run") return std::nullopt;
  Arguments arguments;
  arguments.scenario = argv[2];
  for (int i = 3; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc || (option != "--trace" && option != "--summary")) return std::nullopt;
    (option == "--trace" ? arguments.trace : arguments.summary) = argv[i + 1];
  }
  return arguments;
}

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw daris::simulator::ScenarioError(path + ": cannot be read, or is empty");
  return std::move(text).str();
}

std::ofstream openToWrite(const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) throw std::ios_base::failure(path + ": cannot be written");
  return file;
}

void close(std::ofstream& file, const std::string& path) {
  file.close();
  if (!file) throw std::ios_base::failure(path + ": could not be written to its end");
}

void run(const Arguments& arguments) {
  const daris::simulator::Scenario scenario = daris::simulator::parseScenario(readFile(arguments.scenario));
  std::ofstream traceFile;
  if (arguments.trace) traceFile = openToWrite(*arguments.trace);
  daris::simulator::Trace trace(scenario, arguments.trace ? &traceFile : nullptr);
  const auto started = std::chrono::steady_clock::now();
  const daris::simulator::RunResult result = daris::simulator::simulate(scenario, trace);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (arguments.trace) close(traceFile, *arguments.trace);
  const std::string summary = daris::simulator::summaryOf(scenario, result);
  if (arguments.summary) {
    std::ofstream file = openToWrite(*arguments.summary);
    file << summary;
    close(file, *arguments.summary);
  } else {
    std::cout << summary;
  }
  std::fprintf(stderr, "daris-sim: %llu events in %.3f s\n", static_cast<unsigned long long>(result.events),
               took.count());
}

std::string inWords(const daris::simulator::ReplayResult& result) {
  std::uint64_t lines = 0;
  std::string events;
  for (const auto& [event, count] : result.compared) {
    lines += count;
    events += (events.empty() ? "" : ", ") + event + " " + std::to_string(count);
  }
  std::string text = std::to_string(lines) + " lines are as recorded: " + events + "\n";
  if (result.skipped > 0)
    text += std::to_string(result.skipped) + " lines before the first start of a scheduler were left out\n";
  return text;
}

int replay(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw daris::simulator::ScenarioError(path + ": cannot be read");
  const daris::simulator::ReplayResult result = daris::simulator::replay(file);
  std::cout << inWords(result);
  if (!result.difference) return 0;
  const daris::simulator::Difference& difference = *result.difference;
  std::cout << "line " << difference.line << " differs: " << difference.what << "\n  recorded "
            << difference.recorded << "\n";
  if (!difference.replayed.empty()) std::cout << "  replayed " << difference.replayed;
  return kDiffers;
}

}  // namespace

int main(int argc, char** argv) {
  const bool replays = argc == 3 && std::string_view(argv[1]) == "replay";
  const std::optional<Arguments> arguments = parseArguments(argc, argv);
  if (!arguments && !replays) {
    std::fputs(kUsage, stderr);
    return kInvalid;
  }
  try {
    if (replays) return replay(argv[2]);
    run(*arguments);
    return 0;
  } catch (const daris::simulator::ScenarioError& error) {
    std::fprintf(stderr, "daris-sim: %s\n", error.what());
    return kInvalid;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "daris-sim: %s\n", error.what());
    return 1;
  }
}
