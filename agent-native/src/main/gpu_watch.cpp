#include "main/gpu_watch.hpp"

#include <unistd.h>

#include "device/nvml_gpu.hpp"
#include "runtime/log.hpp"

namespace daris::main {

using runtime::log;
using runtime::LogLevel;

namespace {

/// Hands reports on, and says in the log what has turned.
class Teller {
 public:
  explicit Teller(runtime::Runtime& runtime) : runtime_(runtime) {}

  void operator()(device::Report report) {
    if (report.sharing != sharing_) {
      log(report.sharing.empty() ? LogLevel::Info : LogLevel::Warn, "who else works on the GPU",
          {{"others", report.sharing.empty() ? "nobody" : report.sharing}});
      sharing_ = report.sharing;
    }
    if (report.fault != fault_) {
      log(report.fault ? LogLevel::Error : LogLevel::Info, "health of the GPU",
          {{"fault", report.fault ? report.fault->message : "none"}});
      fault_ = report.fault;
    }
    runtime_.report(std::move(report));
  }

 private:
  runtime::Runtime& runtime_;
  std::string sharing_;
  std::optional<device::Fault> fault_;
};

}  // namespace

GpuWatch::GpuWatch() : library_(device::NvmlLibrary::open()), before_(device::censusOfAll(library_)) {
  own_.started(static_cast<std::uint32_t>(::getpid()));
}

void GpuWatch::start(runtime::Runtime& runtime) {
  const std::string& uuid = runtime.device().uuid;
  auto gpu = device::NvmlGpu::find(library_, uuid);
  if (gpu == nullptr) {
    library_.reset();
    return;
  }
  gpu->listen();
  const auto told = std::make_shared<Teller>(runtime);
  watcher_ = std::make_unique<device::Watcher>(
      std::move(gpu), own_, before_[uuid], [told](device::Report report) { (*told)(std::move(report)); },
      device::WatcherOptions{.wallUs = [&runtime] { return runtime.clock().wallUs(); }});
}

}  // namespace daris::main
