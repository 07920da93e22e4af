#include "engine/workers/fault.hpp"

#include <stdexcept>
#include <string>

#include "engine/engine.hpp"

namespace daris::engine::workers {
namespace {

constexpr std::size_t kMostWords = 16'384;  // a message has a bound; frameworks know none

}  // namespace

nlohmann::json fault_of(const std::exception& error) {
  nlohmann::json fault{{"kind", "other"}, {"words", std::string(error.what()).substr(0, kMostWords)}};
  if (const auto* engine = dynamic_cast<const EngineError*>(&error)) {
    fault["kind"] = "engine";
    fault["reason"] = engine->reason();
  } else if (const auto* package = dynamic_cast<const model::PackageError*>(&error)) {
    fault["kind"] = "package";
    fault["reason"] = package->reason();
  } else if (dynamic_cast<const std::invalid_argument*>(&error) != nullptr) {
    fault["kind"] = "argument";
  }
  return fault;
}

void throw_fault(const nlohmann::json& fault) {
  const std::string kind = fault.at("kind");
  const std::string words = fault.at("words");
  if (kind == "engine") throw EngineError(fault.at("reason"), words);
  if (kind == "package") throw model::PackageError(fault.at("reason"), words);
  if (kind == "argument") throw std::invalid_argument(words);
  throw std::runtime_error(words);
}

}  // namespace daris::engine::workers
