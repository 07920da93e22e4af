#include "engine/torch/open_plugin.hpp"

#include <dlfcn.h>

#include <stdexcept>
#include <string_view>

namespace daris::engine::torch {
namespace {

const Plugin& plugin_of(const std::filesystem::path& library) {
  if (!std::filesystem::exists(library)) {
    throw std::runtime_error(library.string() + " is not there: this is a build without the torch engine");
  }
  // Never closed: torch cannot be unloaded. Global: compiled stages, which torch opens, look for torch's
  // symbols.
  void* const opened = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (opened == nullptr) throw std::runtime_error(::dlerror());
  const auto function = reinterpret_cast<PluginFunction>(::dlsym(opened, kPluginFunction));
  if (function == nullptr) throw std::runtime_error(library.string() + " is not the torch engine");
  const Plugin& plugin = *function();
  if (std::string_view(plugin.build) != DARIS_VERSION) {
    throw std::runtime_error(library.string() + " is of build " + plugin.build + ", this is " DARIS_VERSION);
  }
  return plugin;
}

}  // namespace

std::optional<std::string> lack_of_gpu() {
  void* const driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);  // kept open: torch wants it next
  if (driver == nullptr) return "there is no NVIDIA driver on this machine (libcuda.so.1)";
  const auto init = reinterpret_cast<int (*)(unsigned)>(::dlsym(driver, "cuInit"));
  const auto count = reinterpret_cast<int (*)(int*)>(::dlsym(driver, "cuDeviceGetCount"));
  if (init == nullptr || count == nullptr) return "libcuda.so.1 is not NVIDIA's driver";
  int devices = 0;
  int error = init(0);
  if (error == 0) error = count(&devices);
  if (error != 0) return "the NVIDIA driver finds no GPU (CUDA error " + std::to_string(error) + ")";
  if (devices == 0) return "the NVIDIA driver lists no GPU to this process; see CUDA_VISIBLE_DEVICES";
  return std::nullopt;
}

std::filesystem::path plugin_beside_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / kPluginFile;
}

std::unique_ptr<Engine> open_engine(const std::filesystem::path& library, const EngineOptions& options) {
  return plugin_of(library).make_engine(options);
}

}  // namespace daris::engine::torch
