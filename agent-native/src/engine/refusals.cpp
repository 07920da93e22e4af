#include "engine/refusals.hpp"

namespace daris::engine {

void refuse_engine(std::string_view engine) {
  throw EngineError("NoArtifacts", "model.json lists no artifacts of engine '" + std::string(engine) +
                                       "'; package the model for it");
}

void refuse_batch(std::uint32_t size, const std::vector<std::uint32_t>& sizes) {
  std::string list;
  for (const std::uint32_t each : sizes) list += (list.empty() ? "" : ", ") + std::to_string(each);
  throw EngineError("UnknownBatch", "the package has no artifacts of batch size " + std::to_string(size) +
                                        "; there are: " + list);
}

std::string in_words(const model::Artifact& artifact) {
  return model::printable(artifact.file.path) + " (stage '" + artifact.stage + "', batch " +
         std::to_string(artifact.batch) + ")";
}

void refuse(const model::Artifact& artifact, std::string_view what) {
  throw EngineError("InvalidArtifact", in_words(artifact) + " " + std::string(what));
}

void check_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw EngineError("Cancelled", "loading was cancelled");
}

}  // namespace daris::engine
