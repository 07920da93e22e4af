#include "engine/contract.hpp"
#include "engine/torch/gpu_packages.hpp"
#include "engine/torch/open_plugin.hpp"

namespace daris::engine::contract {

std::unique_ptr<Engine> make_engine() {
  return torch::open_engine(torch::plugin_beside_program(), {});
}

test::PackageContent chain() {
  return test::gpu_package_content("chain");
}

}  // namespace daris::engine::contract
