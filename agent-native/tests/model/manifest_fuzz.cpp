// Any bytes are a manifest or are refused with a PackageError: no crash, no other exception, no
// undefined behaviour. Start it on a folder with the model.json of a real package in it, or it
// finds little beyond JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/error.hpp"
#include "model/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto manifest =
        daris::model::parse_manifest(std::string_view(reinterpret_cast<const char*>(data), size));
    for (const auto& stage : manifest.stages) {
      for (const auto& name : stage.inputs) {
        // What the engine relies on without asking again.
        if (manifest.tensor(name) == nullptr) std::abort();
      }
    }
    for (const auto& input : manifest.inputs) {
      if (input.element_bytes() == 0 || input.element_bytes() > daris::model::kMaxElementBytes) std::abort();
    }
  } catch (const daris::model::PackageError& error) {
    if (error.reason().empty()) std::abort();
  }
  return 0;
}
