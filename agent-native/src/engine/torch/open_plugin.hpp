// Opening the torch engine, from the program's side. Links nothing of torch or CUDA.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/torch/plugin.hpp"

namespace daris::engine::torch {

/// The library beside this program file.
[[nodiscard]] std::filesystem::path plugin_beside_program();

/// Why this machine has no GPU for the engine; null where it has one. Asks the driver alone, in milliseconds:
/// to open torch takes seconds, and CUDA's libraries that a machine without a GPU need not have.
[[nodiscard]] std::optional<std::string> lack_of_gpu();

/// UUIDs of the GPUs that the driver shows to this process, as CUDA counts them; none without a driver or a
/// GPU. Throws std::runtime_error where the driver fails, which may pass.
[[nodiscard]] std::vector<std::string> list_gpus();

/// Opens the library and no GPU. Throws as open_engine does.
void check_plugin(const std::filesystem::path& library);

/// The engine of a GPU. The library stays open for as long as the process lives. Throws std::runtime_error
/// with a reason for people: no such library, torch's libraries missing, another build, no GPU or driver.
[[nodiscard]] std::unique_ptr<Engine> open_engine(const std::filesystem::path& library,
                                                  const EngineOptions& options);

}  // namespace daris::engine::torch
