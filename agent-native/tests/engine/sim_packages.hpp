// Packages for the engine that computes nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "packages/package_writer.hpp"

namespace daris::test {

/// What an artifact of engine sim says: a constant time.
[[nodiscard]] nlohmann::json stage_time(double mean_us);

/// Beside what the package has, an artifact of engine sim for each of its stages at a batch size. Sealed.
void add_simulation(PackageContent& package, std::uint32_t batch, const nlohmann::json& time);

/// The chain of onnx_packages.hpp for engine sim alone. Sealed.
[[nodiscard]] PackageContent simulated_chain(double mean_us = 50,
                                             const std::vector<std::uint32_t>& batches = {1, 2});

}  // namespace daris::test
