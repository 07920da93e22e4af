#include <unistd.h>

#include "engine/contract.hpp"
#include "engine/stage_runner.hpp"
#include "engine/workers/worker_engines.hpp"

namespace daris::engine::contract {

std::unique_ptr<Engine> make_engine() {
  return test::engine_in_workers();
}

test::PackageContent chain() {
  return test::simulated_chain();
}

}  // namespace daris::engine::contract
