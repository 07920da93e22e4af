#include "engine/contract.hpp"
#include "engine/onnx_packages.hpp"
#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine::contract {

std::unique_ptr<Engine> make_engine() {
  return openvino::make_engine({test::usable_core()});
}

test::PackageContent chain() {
  return test::chain_package();
}

}  // namespace daris::engine::contract
