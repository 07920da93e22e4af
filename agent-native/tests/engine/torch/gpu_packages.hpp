// The packages that the GPU tests run, made on that GPU by test/gpu/run.sh.
#pragma once

#include <filesystem>
#include <string>

#include "model/package.hpp"
#include "packages/package_writer.hpp"

namespace daris::test {

/// The folder that DARIS_GPU_PACKAGES names. Throws std::runtime_error where it is not set.
[[nodiscard]] std::filesystem::path gpu_packages();

/// A package of it by its folder's name, opened as the runtime does.
[[nodiscard]] model::Package open_gpu_package(const std::string& name);

/// Its content, to be written anew with something wrong.
[[nodiscard]] PackageContent gpu_package_content(const std::string& name);

/// Writes the package below `root` and opens it.
[[nodiscard]] model::Package open_written(const PackageContent& content, const TemporaryFolder& root);

}  // namespace daris::test
