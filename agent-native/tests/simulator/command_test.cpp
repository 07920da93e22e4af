// The program itself: exit status, what it writes and when it writes nothing.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenario_text.hpp"

namespace daris::simulator {
namespace {

namespace fs = std::filesystem;

class Command : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "daris-sim-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  void write(const char* name, std::string_view text) const { std::ofstream(path(name)) << text; }
  std::string read(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  int run(const std::string& arguments) const {
    const std::string command =
        std::string(DARIS_SIM) + " " + arguments + " >" + path("out") + " 2>" + path("err");
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  fs::path folder_;
};

TEST_F(Command, WritesTraceAndSummaryReproducibly) {
  write("s.json", kTwoContexts);
  for (const char* name : {"1", "2"})
    ASSERT_EQ(
        run("run " + path("s.json") + " --trace " + path("t") + name + " --summary " + path("s") + name), 0);
  EXPECT_EQ(read("t1"), read("t2"));
  EXPECT_EQ(read("s1"), read("s2"));
  EXPECT_NE(read("t1").find("\"e\":\"finish\""), std::string::npos);
  EXPECT_EQ(read("out"), "");
  EXPECT_NE(read("err").find(" events in "), std::string::npos) << "wall-clock time is there only";
}

TEST_F(Command, AnInvalidScenarioExits2AndWritesNothing) {
  write("s.json", with(kTwoContexts, "\"deadlineUs\": 1000", "\"deadlineUs\": 1001"));
  EXPECT_EQ(run("run " + path("s.json") + " --trace " + path("t") + " --summary " + path("s")), 2);
  EXPECT_FALSE(fs::exists(path("t")));
  EXPECT_FALSE(fs::exists(path("s")));
  EXPECT_EQ(read("out"), "");
  EXPECT_EQ(read("err"), "daris-sim: tasks[0].deadlineUs: must not be greater than periodUs\n");
}

TEST_F(Command, WhatIsNoScenarioExits2AndLeavesOutputsAsTheyWere) {
  const std::string whole(kTwoContexts);
  const struct {
    std::string text, error;
  } cases[] = {
      {"", "cannot be read, or is empty"},
      {"[]", "scenario: must be an object"},
      {"null", "scenario: must be an object"},
      {whole.substr(0, whole.size() / 2), "tasks[1].periodUs: is not JSON: "},
      {whole + whole, "scenario: is not JSON: "},
      {"\xff\xfe" + whole, "scenario: is not JSON: "},
      {std::string("\0\0", 2) + whole, "scenario: is not JSON: "},
      {with(whole, "\"seed\": 1", "\"seed\": " + std::string(1 << 20, '[') + std::string(1 << 20, ']')),
       "seed: is nested more than 32 deep"},
      {with(whole, "\"seed\": 1", "\"seed\": 1e400"), "seed: is not JSON: "},
      {with(whole, "\"seed\": 1", "\"seed\": \"" + std::string(1 << 22, '1') + "\""),
       "seed: must be an integer"},
      {with(whole, "\"name\": \"b\"", "\"name\": \"\xf0\x9f\x98\""), "tasks[2].name: is not JSON: "},
  };
  for (const auto& [text, error] : cases) {
    write("s.json", text);
    write("t", "of an earlier run");
    EXPECT_EQ(run("run " + path("s.json") + " --trace " + path("t") + " --summary " + path("s")), 2) << error;
    EXPECT_NE(read("err").substr(0, 200).find(error), std::string::npos) << read("err").substr(0, 200);
    EXPECT_EQ(read("t"), "of an earlier run");
    EXPECT_FALSE(fs::exists(path("s")));
  }
}

TEST_F(Command, AByteOrderMarkAndAHugeNameChangeNothing) {
  const std::string huge(1 << 20, 'b');
  write("s.json", "\xef\xbb\xbf" + with(kTwoContexts, "\"name\": \"b\"", "\"name\": \"" + huge + "\""));
  write("p.json", kTwoContexts);
  ASSERT_EQ(run("run " + path("s.json") + " --trace " + path("t") + " --summary " + path("s")), 0);
  ASSERT_EQ(run("run " + path("p.json") + " --trace " + path("pt") + " --summary " + path("ps")), 0);
  std::string trace = read("t");
  for (auto at = trace.find(huge); at != std::string::npos; at = trace.find(huge, at))
    trace.replace(at, huge.size(), "b");
  EXPECT_EQ(trace, read("pt"));
}

TEST_F(Command, WrongUseAndUnreadableFilesExit2) {
  for (const char* arguments : {"", "run", "walk x", "run x --trace", "run x --verbose y",
                                "run /no/such/file", "replay", "replay a b", "replay /no/such/file"})
    EXPECT_EQ(run(arguments), 2) << arguments;
}

TEST_F(Command, AnOutputThatCannotBeWrittenExits1) {
  write("s.json", kTwoContexts);
  EXPECT_EQ(run("run " + path("s.json") + " --trace /no/such/folder/t"), 1);
  EXPECT_EQ(run("run " + path("s.json") + " --trace /dev/full"), 1);
}

}  // namespace
}  // namespace daris::simulator
