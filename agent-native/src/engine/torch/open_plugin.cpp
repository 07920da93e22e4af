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

std::filesystem::path plugin_beside_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / kPluginFile;
}

std::unique_ptr<Engine> open_engine(const std::filesystem::path& library, const EngineOptions& options) {
  return plugin_of(library).make_engine(options);
}

}  // namespace daris::engine::torch
