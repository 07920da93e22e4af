// Names of tasks by number.
#include "trace/names.hpp"

#include <gtest/gtest.h>

namespace daris::trace {
namespace {

std::shared_ptr<const std::string> text(const char* name) {
  return std::make_shared<const std::string>(name);
}

TEST(Names, ASecondTaskOfANameGoesWithItsNumber) {
  Names names;
  names.add(1, text("default/a"));
  names.add(2, text("default/b"));
  names.add(3, text("default/a"));
  EXPECT_EQ(names.labels(), (Labels{{1, "default/a"}, {2, "default/b"}, {3, "default/a#3"}}));
}

TEST(Names, OfThoseThatEndedTheOldestAreForgotten) {
  Names names;
  for (std::uint64_t task = 0; task < 5000; ++task) names.add(task, text("t"));
  for (std::uint64_t task = 0; task < 4999; ++task) names.ended(task);
  const Labels labels = names.labels();
  EXPECT_EQ(labels.size(), 4097U);
  EXPECT_FALSE(labels.contains(902));
  EXPECT_TRUE(labels.contains(903));
  EXPECT_TRUE(labels.contains(4999));
}

}  // namespace
}  // namespace daris::trace
