// Whose compiled code may be loaded, by what the policy lists and who names a package.
#include "runtime/compiled_code.hpp"

#include <gtest/gtest.h>

namespace daris::runtime {
namespace {

engine::Device gpu() {
  return {.uuid = "gpu-0",
          .product = "p",
          .units = 8,
          .memory_bytes = 0,
          .engine = "torch",
          .engine_version = "1",
          .compiled_code = true};
}

DesiredState named(std::vector<DesiredModel> models, std::set<std::string, std::less<>> listed) {
  DesiredState desired;
  desired.policy.name = "edge";
  desired.policy.compiledCodeNamespaces = std::move(listed);
  desired.models = std::move(models);
  return desired;
}

TEST(CompiledCode, IsRefusedUnlessAListedNamespaceNamesIt) {
  const auto refused = refusedModels(gpu(), named({{"sha256:a", "file:///a", false, {"vision"}},
                                                   {"sha256:b", "file:///b", false, {"lab"}},
                                                   {"sha256:c", "file:///c", false, {"lab", "vision"}},
                                                   {"sha256:d", "file:///d", false, {}}},
                                                  {"vision"}));
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_NE(refused.at("sha256:b")
                .find("namespace lab is not listed in spec.compiledCode.namespaces of policy edge;"),
            std::string::npos)
      << refused.at("sha256:b");
  EXPECT_NE(refused.at("sha256:d").find("no namespace names this package"), std::string::npos);
}

TEST(CompiledCode, ADigestThatIsThereTwiceIsNamedByBoth) {
  const auto desired = named(
      {{"sha256:a", "file:///x", false, {"lab"}}, {"sha256:a", "file:///y", false, {"vision"}}}, {"vision"});
  EXPECT_TRUE(refusedModels(gpu(), desired).empty());
}

TEST(CompiledCode, IsNobodysWhereNoneIsListed) {
  EXPECT_EQ(refusedModels(gpu(), named({{"sha256:a", "file:///a", false, {"vision"}}}, {})).size(), 1U);
}

TEST(CompiledCode, ConcernsNoEngineThatRunsNone) {
  engine::Device cores = gpu();
  cores.compiled_code = false;
  EXPECT_TRUE(refusedModels(cores, named({{"sha256:a", "file:///a", false, {}}}, {})).empty());
}

TEST(CompiledCode, NamesFewOfManyNamespaces) {
  const std::vector<std::string> many{"a", "b", "c", "d", "e"};
  const auto why = codeRefusal(gpu(), {}, many);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("none of the namespaces a, b, c and 2 more is listed in spec.compiledCode.namespaces "
                      "of policy default;"),
            std::string::npos)
      << *why;
}

}  // namespace
}  // namespace daris::runtime
