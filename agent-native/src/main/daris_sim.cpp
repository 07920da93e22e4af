// daris-sim run SCENARIO.json [--trace TRACE.jsonl] [--summary SUMMARY.json]
// Exit status: 0, 1 when an output cannot be written, 2 when the command or the scenario is invalid.
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "simulator/simulation.hpp"

namespace {

constexpr const char* kUsage =
    "usage: daris-sim run SCENARIO.json [--trace TRACE.jsonl] [--summary SUMMARY.json]\n";

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

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parseArguments(argc, argv);
  if (!arguments) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  try {
    run(*arguments);
    return 0;
  } catch (const daris::simulator::ScenarioError& error) {
    std::fprintf(stderr, "daris-sim: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "daris-sim: %s\n", error.what());
    return 1;
  }
}
