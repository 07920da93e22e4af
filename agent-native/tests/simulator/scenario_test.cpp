// Invalid scenarios: each is refused with an error that begins with the path of the field.
#include "simulator/scenario.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scenario_text.hpp"

namespace daris::simulator {
namespace {

using nlohmann::json;

std::string errorOf(std::string_view text) {
  try {
    (void)parseScenario(text);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "accepted";
}

struct Case {
  const char* from;
  const char* to;
  const char* error;  // how it begins
};

class InvalidScenario : public testing::TestWithParam<Case> {};

TEST_P(InvalidScenario, NamesTheField) {
  const Case& c = GetParam();
  const std::string error = errorOf(with(kTwoContexts, c.from, c.to));
  EXPECT_TRUE(error.starts_with(c.error)) << error;
}

constexpr Case kCases[] = {
    {"\"version\": 1", "\"version\": 2", "version: must be an integer from 1 to 1"},
    {"\"version\": 1, ", "", "version: is missing"},
    {"\"seed\": 1", "\"seed\": -1", "seed: "},
    {"\"seed\": 1,", "\"seed\": 1, \"sed\": 1,", "sed: is not a field of this format"},
    {"\"seed\": 1,", "\"seed\": 1, \"seed\": 1,", "seed: is given twice"},
    {"\"durationUs\": 2000", "\"durationUs\": 0", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": 2000.5", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": 1e3", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": \"2000\"", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": null", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": 9007199254740993",
     "durationUs: must be an integer from 1 to 9007199254740992"},
    {"\"durationUs\": 2000", "\"durationUs\": 18446744073709551615", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": 99999999999999999999999", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": NaN", "durationUs: is not JSON"},
    {"\"durationUs\": 2000", "\"durationUs\": 1e400", "durationUs: is not JSON: "},
    {"\"durationUs\": 2000", "\"durationUs\": -0", "durationUs: must be an integer"},
    {"\"durationUs\": 2000", "\"durationUs\": 02000", "durationUs: is not JSON"},
    {"\"durationUs\": 2000", "\"durationUs\": 2000.0", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": [2000]", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": true", "durationUs: "},
    {"\"durationUs\": 2000", "\"durationUs\": Infinity", "durationUs: is not JSON"},
    {"\"smCount\": 68", "\"smCount\": 68, \"\\u0073mCount\": 68", "gpus[0].smCount: is given twice"},
    {"\"periodUs\": 5000", "\"periodUs\": 5000, \"periodUs\": 5000", "tasks[3].periodUs: is given twice"},
    {"\"afetUs\": [4500]", "\"afetUs\": [4500, 1e999]", "tasks[3].afetUs[1]: is not JSON"},
    {"\"name\": \"b\"", "\"name\": \"\xc3\x28\"", "tasks[2].name: is not JSON"},
    {"\"name\": \"b\"", "\"name\": \"\n\"", "tasks[2].name: is not JSON"},
    {"\"name\": \"b\"", "\"name\": \"\\ud800\"", "tasks[2].name: is not JSON"},
    {"\"name\": \"b\"", "\"name\": [[[[{\"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[",
     "tasks: is nested more than 32 deep"},
    {"\"periodUs\": 5000", "\"periodUs\": 9007199254740993", "tasks[3].periodUs: "},
    {"\"phaseUs\": 20", "\"phaseUs\": 9007199254740993", "tasks[3].phaseUs: "},
    {"\"phaseUs\": 20,", "", "tasks[3].phaseUs: is missing"},
    {"\"gpus\": [{", "\"gpus\": [7, {", "gpus[0]: must be an object"},
    {"\"scheduler\": {", "\"scheduler\": 1, \"x\": {", "scheduler: must be an object"},
    {"\"name\": \"gpu0\", ", "", "gpus[0].name: is missing"},
    {"\"smCount\": 68", "\"smCount\": 0", "gpus[0].smCount: "},
    {"\"contexts\": 2", "\"contexts\": 0", "gpus[0].contexts: "},
    {"\"contexts\": 2", "\"contexts\": -2", "gpus[0].contexts: "},
    {"\"contexts\": 2", "\"contexts\": 4097", "gpus[0].contexts: "},
    {"\"streamsPerContext\": 1", "\"streamsPerContext\": 0", "gpus[0].streamsPerContext: "},
    {"\"oversubscription\": 2", "\"oversubscription\": 2.5",
     "gpus[0].oversubscription: must be a number from 1"},
    {"\"oversubscription\": 2", "\"oversubscription\": 0.5", "gpus[0].oversubscription: "},
    {"\"oversubscription\": 2", "\"oversubscription\": \"2\"", "gpus[0].oversubscription: "},
    {"\"mretWindow\": 5", "\"mretWindow\": 0", "scheduler.mretWindow: "},
    {"\"staging\": true", "\"staging\": 1", "scheduler.staging: must be true or false"},
    {"\"staging\": true,", "", "scheduler.staging: is missing"},
    {"\"mretWindow\": 5", "\"mretWindow\": 5, \"admission\": \"predicted\"",
     "scheduler.admission: must be \"Utilization\" or"},
    {"\"priority\": \"High\"", "\"priority\": \"high\"", "tasks[0].priority: must be \"High\" or \"Low\""},
    {"\"name\": \"a\"", "\"name\": \"h\"", "tasks[1].name: \"h\" is already taken"},
    {"\"name\": \"a\"", "\"name\": 7", "tasks[1].name: must be a string"},
    {"\"periodUs\": 1000", "\"periodUs\": -1000", "tasks[0].periodUs: "},
    {"\"deadlineUs\": 1000", "\"deadlineUs\": 1001",
     "tasks[0].deadlineUs: must not be greater than periodUs"},
    {"\"phaseUs\": 10", "\"phaseUs\": -1", "tasks[2].phaseUs: "},
    {"\"afetUs\": [100, 100]", "\"afetUs\": []", "tasks[0].afetUs: must be an array with at least one"},
    {"\"afetUs\": [100, 100]", "\"afetUs\": [100, 0]", "tasks[0].afetUs[1]: "},
    {"\"afetUs\": [100, 100]", "\"afetUs\": 100", "tasks[0].afetUs: "},
    {"\"execUs\": [[100, 150]]", "\"execUs\": []", "tasks[0].execUs: "},
    {"\"execUs\": [[100, 150]]", "\"execUs\": [[100, 150], [100]]",
     "tasks[0].execUs[1]: must be an array of 2"},
    {"\"execUs\": [[100, 150]]", "\"execUs\": [[100, 1.5]]", "tasks[0].execUs[0][1]: "},
    {"\"execUs\": [[100, 150]]", "\"execUs\": [[100, 0]]", "tasks[0].execUs[0][1]: "},
    {"\"phaseUs\": 0", "\"phaseUs\": 0, \"lateJobs\": \"Kill\"",
     "tasks[0].lateJobs: must be \"Finish\" or \"Drop\""},
    {"\"gpu\": \"gpu0\"", "\"gpu\": \"gpu9\"", "tasks[1].context.gpu: \"gpu9\" is none of gpus"},
    {"\"index\": 0", "\"index\": 2", "tasks[1].context.index: must be an integer from 0 to 1"},
    {"\"index\": 0", "\"index\": 0, \"stream\": 0", "tasks[1].context.stream: is not a field"},
    {"\"model\": \"none\"", "\"model\": \"some\"", "interference.model: must be \"none\""},
    {"\"model\": \"none\"", "\"model\": \"calibrated\", \"profile\": \"p\"",
     "interference.profile: is not a field"},
    {"\"model\": \"none\"", "\"model\": \"calibrated\"",
     "tasks[0].demand: is missing, with interference.model \"calibrated\""},
    {"\"phaseUs\": 0", "\"phaseUs\": 0, \"demand\": {\"smPpm\": 1, \"memoryPpm\": 1}",
     "tasks[0].demand: needs interference.model \"calibrated\""},
    {"\"phaseUs\": 0", "\"phaseUs\": 0, \"demand\": {\"smPpm\": 1000001, \"memoryPpm\": 1}",
     "tasks[0].demand.smPpm: must be an integer from 0 to 1000000"},
    {"\"interference\": {", "\"interference\": [{", "interference[1]: is not JSON"},
};

INSTANTIATE_TEST_SUITE_P(Fields, InvalidScenario, testing::ValuesIn(kCases));

TEST(Scenario, WhatIsNotAnObjectIsRefused) {
  EXPECT_EQ(errorOf("[]"), "scenario: must be an object");
  EXPECT_TRUE(errorOf("").starts_with("scenario: is not JSON"));
  EXPECT_TRUE(errorOf(std::string(kTwoContexts) + "x").starts_with("scenario: is not JSON"));
  EXPECT_TRUE(errorOf("{\"version\":1,\"gpus\":[").starts_with("gpus[0]: is not JSON"));
  EXPECT_EQ(errorOf(std::string(100000, '[')), "[0]: is nested more than 32 deep");
}

TEST(Scenario, EmptyGpusAndDuplicateGpusAreRefused) {
  std::string none(kTwoContexts);
  const auto from = none.find("\"gpus\": [") + 9;
  const auto to = none.find("],\n  \"scheduler\"");
  const std::string gpu = none.substr(from, to - from);
  EXPECT_TRUE(errorOf(std::string(none).erase(from, to - from))
                  .starts_with("gpus: must be an array with at least one"));
  EXPECT_TRUE(errorOf(std::string(none).insert(to, ", " + gpu))
                  .starts_with("gpus[1].name: \"gpu0\" is already taken"));
}

/// "/tasks/0/name" as errors have it: "tasks[0].name".
std::string pathOf(const std::string& pointer) {
  std::string path;
  std::istringstream parts(pointer.substr(1));
  for (std::string part; std::getline(parts, part, '/');)
    path += std::isdigit(part[0]) ? "[" + part + "]" : (path.empty() ? "" : ".") + part;
  return path;
}

/// What a field that holds `value` cannot be.
std::vector<json> wrongFor(const json& value, bool fractions) {
  std::vector<json> wrong = {nullptr, json::object(), json::array()};
  if (!value.is_string()) wrong.push_back("1");
  if (!value.is_boolean()) wrong.push_back(true);
  if (value.is_boolean() || value.is_string()) wrong.insert(wrong.end(), {0, 1});
  if (!value.is_number()) return wrong;
  wrong.insert(wrong.end(), {-1, INT64_MIN, INT64_MAX, UINT64_MAX, kMaxTimeUs + 1, 1e300, -0.5});
  if (!fractions) wrong.insert(wrong.end(), {1.5, 2.0});
  return wrong;
}

TEST(Scenario, EveryFieldRefusesEveryWrongValue) {
  const json scenario = json::parse(kTwoContexts);
  const json leaves = scenario.flatten();
  for (const auto& [pointer, value] : leaves.items()) {
    const std::string path = pathOf(pointer);
    for (const json& wrong : wrongFor(value, path.ends_with("oversubscription"))) {
      json changed = scenario;
      changed[json::json_pointer(pointer)] = wrong;
      EXPECT_TRUE(errorOf(changed.dump()).starts_with(path + ": must be "))
          << path << " = " << wrong.dump() << ": " << errorOf(changed.dump());
    }
  }
}

TEST(Scenario, EveryObjectRefusesAMissingAndAnUnknownField) {
  const json scenario = json::parse(kTwoContexts);
  for (const char* pointer : {"", "/gpus/0", "/scheduler", "/tasks/1", "/tasks/1/context", "/interference"}) {
    const json::json_pointer at(pointer);
    const std::string path = *pointer == 0 ? "" : pathOf(pointer) + ".";
    for (const auto& [key, _] : scenario[at].items()) {
      if (key == "context") continue;
      json changed = scenario;
      changed[at].erase(key);
      EXPECT_EQ(errorOf(changed.dump()), path + key + ": is missing");
    }
    json changed = scenario;
    changed[at]["more"] = 1;
    EXPECT_EQ(errorOf(changed.dump()), path + "more: is not a field of this format");
  }
}

TEST(Scenario, OptionalFieldsDefaultToThePaper) {
  const Scenario scenario = parseScenario(kTwoContexts);
  EXPECT_FALSE(scenario.policy.mretAging);
  EXPECT_EQ(scenario.policy.admission, sched::Admission::Utilization);
  EXPECT_EQ(scenario.tasks[0].spec.lateJobs, sched::LateJobs::Finish);
  EXPECT_FALSE(scenario.tasks[0].spec.context);
  EXPECT_EQ(scenario.tasks[2].spec.order, 2u);
}

}  // namespace
}  // namespace daris::simulator
