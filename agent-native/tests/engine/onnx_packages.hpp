// Packages whose stages are the ONNX files of make_onnx.py, and opening them as the runtime does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/package.hpp"
#include "packages/package_writer.hpp"

namespace daris::test {

/// The bytes of one of make_onnx.py's files, such as "chain-0-b1".
[[nodiscard]] std::string onnx_file(const std::string& name);

/// Four stages at each of these batch sizes, of 1, 2 and 4; the last reads the first's output too. Sealed.
[[nodiscard]] PackageContent chain_package(const std::vector<std::uint32_t>& batches = {1, 2});

/// One stage that throws while it runs unless its input `axis` begins with 0 or 1. Its sample does with 1.
[[nodiscard]] PackageContent fragile_package();

/// One stage that takes as long as its input `rounds` says. Its sample says one round.
[[nodiscard]] PackageContent patient_package();

/// Writes the package below a folder of its own and opens it.
[[nodiscard]] model::Package open_content(const PackageContent& content, const TemporaryFolder& root);

}  // namespace daris::test
