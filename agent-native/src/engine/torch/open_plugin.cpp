#include "engine/torch/open_plugin.hpp"

#include <dlfcn.h>

#include <array>
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

constexpr int kStubLibrary = 34;  // libcuda of a CUDA toolkit, for linking alone
constexpr int kNoDevice = 100;

std::string finds_none(int error) {
  return "the NVIDIA driver finds no GPU (CUDA error " + std::to_string(error) + ")";
}

/// As the torch engine writes them.
std::string uuid_text(const std::array<unsigned char, 16>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

/// The CUDA driver, asked without torch and without a context on any GPU.
class Driver {
 public:
  Driver() : library_(::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {}  // kept open: torch wants it next

  /// Why there is none, in words.
  [[nodiscard]] std::optional<std::string> lack() const {
    if (library_ == nullptr) return "there is no NVIDIA driver on this machine (libcuda.so.1)";
    if (find("cuInit") == nullptr || find("cuDeviceGetCount") == nullptr)
      return "libcuda.so.1 is not NVIDIA's driver";
    return std::nullopt;
  }

  /// CUDA's error, or 0.
  [[nodiscard]] int count(int& devices) const {
    const int error = reinterpret_cast<int (*)(unsigned)>(find("cuInit"))(0);
    return error != 0 ? error : reinterpret_cast<int (*)(int*)>(find("cuDeviceGetCount"))(&devices);
  }

  [[nodiscard]] std::string uuid(int ordinal) const {
    const auto device_of = reinterpret_cast<int (*)(int*, int)>(find("cuDeviceGet"));
    const auto uuid_of = reinterpret_cast<int (*)(unsigned char*, int)>(find("cuDeviceGetUuid"));
    std::array<unsigned char, 16> bytes{};
    int device = 0;
    const bool told = device_of != nullptr && uuid_of != nullptr && device_of(&device, ordinal) == 0 &&
                      uuid_of(bytes.data(), device) == 0;
    if (!told) throw std::runtime_error("the NVIDIA driver tells no UUID of GPU " + std::to_string(ordinal));
    return uuid_text(bytes);
  }

 private:
  [[nodiscard]] void* find(const char* symbol) const { return ::dlsym(library_, symbol); }

  void* library_;
};

}  // namespace

std::optional<std::string> lack_of_gpu() {
  const Driver driver;
  if (driver.lack()) return driver.lack();
  int devices = 0;
  const int error = driver.count(devices);
  if (error != 0) return finds_none(error);
  if (devices == 0) return "the NVIDIA driver lists no GPU to this process; see CUDA_VISIBLE_DEVICES";
  return std::nullopt;
}

std::vector<std::string> list_gpus() {
  const Driver driver;
  int devices = 0;
  if (driver.lack()) return {};
  const int error = driver.count(devices);
  if (error == kNoDevice || error == kStubLibrary) return {};
  if (error != 0) throw std::runtime_error(finds_none(error));
  std::vector<std::string> uuids;
  for (int device = 0; device < devices; ++device) uuids.push_back(driver.uuid(device));
  return uuids;
}

void check_plugin(const std::filesystem::path& library) {
  (void)plugin_of(library);
}

std::filesystem::path plugin_beside_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / kPluginFile;
}

std::unique_ptr<Engine> open_engine(const std::filesystem::path& library, const EngineOptions& options) {
  return plugin_of(library).make_engine(options);
}

}  // namespace daris::engine::torch
