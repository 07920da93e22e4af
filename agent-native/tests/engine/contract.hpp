// Which engine a test program holds to the contract of engine.hpp; each program that runs contract_test.cpp
// says it.
#pragma once

#include <memory>

#include "engine/engine.hpp"
#include "packages/package_writer.hpp"

namespace daris::engine::contract {

[[nodiscard]] std::unique_ptr<Engine> make_engine();

/// Four stages at batches 1 and 2 that this engine runs, with a sample of its one input. Sealed.
[[nodiscard]] test::PackageContent chain();

}  // namespace daris::engine::contract
