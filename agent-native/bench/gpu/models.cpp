#include "gpu/models.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "model/package.hpp"
#include "model/sha256.hpp"

namespace daris::bench {

namespace fs = std::filesystem;

model::Package open_folder(const fs::path& folder) {
  std::ifstream file(folder / "model.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  model::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  const fs::path whole = fs::canonical(folder);
  return model::open_package(whole.parent_path(), "file:///" + whole.filename().string(),
                             "sha256:" + hash.hex());
}

const std::shared_ptr<const engine::LoadedModel>& Models::of(const fs::path& folder) {
  auto& model = loaded_[folder];
  if (!model) model = engine_.load(open_folder(folder), {});
  return model;
}

std::vector<std::shared_ptr<engine::JobMemory>> Models::inputs(const engine::LoadedModel& model,
                                                               std::uint32_t batch, std::size_t tasks) {
  Inputs& made = inputs_[{&model, batch}];
  const std::size_t apart = own_ ? tasks : std::min<std::size_t>(tasks, 1);
  while (made.size() < apart) {
    auto memory = engine_.create_job_memory(model, batch);
    for (std::size_t i = 0; i < model.manifest().inputs.size(); ++i)
      fill_input(memory->input(i), static_cast<std::uint32_t>(made.size()));
    made.push_back(std::move(memory));
  }
  Inputs brought;
  for (std::size_t task = 0; task < tasks; ++task) brought.push_back(made[task % apart]);
  return brought;
}

void fill_input(std::span<std::byte> input, std::uint32_t seed) {
  constexpr std::uint32_t kFirst = 0x3000;  // 0.125
  constexpr std::uint32_t kValues = 0x0800;
  constexpr std::uint32_t kStep = 7;
  constexpr std::uint32_t kApart = 131;  // seeds
  std::uint32_t value = seed * kApart % kValues;
  for (std::size_t at = 0; at + 1 < input.size(); at += sizeof(std::uint16_t)) {
    const auto half = static_cast<std::uint16_t>(kFirst + value);
    std::memcpy(&input[at], &half, sizeof half);
    value = (value + kStep) % kValues;
  }
}

}  // namespace daris::bench
