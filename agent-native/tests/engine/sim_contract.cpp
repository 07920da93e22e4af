#include "engine/contract.hpp"
#include "engine/sim/sim_engine.hpp"
#include "engine/sim_packages.hpp"
#include "engine/stage_runner.hpp"

namespace daris::engine::contract {

std::unique_ptr<Engine> make_engine() {
  return sim::make_engine({}, {test::usable_core()});
}

test::PackageContent chain() {
  return test::simulated_chain();
}

}  // namespace daris::engine::contract
