#include "engine/sim_packages.hpp"

#include "engine/onnx_packages.hpp"

namespace daris::test {

using nlohmann::json;

json stage_time(double mean_us) {
  return {{"formatVersion", 1},
          {"meanUs", mean_us},
          {"deviationUs", 0},
          {"distribution", "uniform"},
          {"seed", 0}};
}

void add_simulation(PackageContent& package, std::uint32_t batch, const json& time) {
  for (const json& stage : package.manifest.at("stages")) {
    const std::string name = stage.at("name");
    const std::string file = "sim/batch-" + std::to_string(batch) + "/" + name + ".json";
    package.files[file] = time.dump();
    package.manifest["artifacts"].push_back(
        {{"engine", "sim"}, {"stage", name}, {"batch", batch}, {"arch", "any"}, {"file", file}});
  }
  package.seal();
}

PackageContent simulated_chain(double mean_us, const std::vector<std::uint32_t>& batches) {
  PackageContent package = chain_package();
  for (const json& artifact : package.manifest["artifacts"]) package.files.erase(artifact.at("file"));
  package.manifest["artifacts"] = json::array();
  for (const std::uint32_t batch : batches) add_simulation(package, batch, stage_time(mean_us));
  return package;
}

}  // namespace daris::test
