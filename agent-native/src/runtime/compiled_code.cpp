#include "runtime/compiled_code.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

constexpr std::size_t kNamed = 3;

std::string noneListed(std::span<const std::string> namespaces, const std::string& policy) {
  if (namespaces.empty()) return "no namespace names this package";
  std::string words = namespaces.size() == 1 ? "namespace " : "none of the namespaces ";
  for (std::size_t i = 0; i < std::min(kNamed, namespaces.size()); ++i)
    words += (i == 0 ? "" : ", ") + namespaces[i];
  if (namespaces.size() > kNamed) words += " and " + std::to_string(namespaces.size() - kNamed) + " more";
  return words + (namespaces.size() == 1 ? " is not" : " is") +
         " listed in spec.compiledCode.namespaces of policy " + policy +
         "; list it there, or run the package on a node with another engine";
}

}  // namespace

std::optional<std::string> codeRefusal(const engine::Device& device, const Policy& policy,
                                       std::span<const std::string> namespaces) {
  if (!device.compiled_code) return std::nullopt;
  const auto allowed = [&](const std::string& each) { return policy.compiledCodeNamespaces.contains(each); };
  if (std::ranges::any_of(namespaces, allowed)) return std::nullopt;
  return "engine " + device.engine + " of " + device.uuid + " runs compiled code, and " +
         noneListed(namespaces, policy.name.empty() ? "default" : policy.name);
}

std::map<std::string, std::string, std::less<>> refusedModels(const engine::Device& device,
                                                              const DesiredState& desired) {
  std::map<std::string, std::vector<std::string>, std::less<>> namespaces;
  for (const DesiredModel& model : desired.models) {
    auto& all = namespaces[model.digest];
    all.insert(all.end(), model.namespaces.begin(), model.namespaces.end());
  }
  std::map<std::string, std::string, std::less<>> refused;
  for (const auto& [digest, all] : namespaces) {
    if (auto why = codeRefusal(device, desired.policy, all)) refused.emplace(digest, std::move(*why));
  }
  return refused;
}

}  // namespace daris::runtime
