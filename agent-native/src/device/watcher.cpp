#include "device/watcher.hpp"

#include <pthread.h>

#include "device/faults.hpp"
#include "device/words.hpp"

namespace daris::device {

namespace {

constexpr auto kXidPatience = std::chrono::milliseconds(500);  // so long a stop may take

}  // namespace

Watcher::Watcher(std::unique_ptr<GpuSource> source, const OwnProcesses& own, const Census& before,
                 std::function<void(Report)> told, WatcherOptions options)
    : source_(std::move(source)),
      own_(own),
      told_(std::move(told)),
      options_(std::move(options)),
      sharing_(before) {
  look();
  looking_ = std::jthread([this](std::stop_token stop) { lookRepeatedly(stop); });
  if (source_->tellsXids()) awaiting_ = std::jthread([this](std::stop_token stop) { awaitXids(stop); });
}

void Watcher::look() {
  Report report;
  report.reading = source_->read();
  if (const auto census = source_->census()) foreign_ = sharing_.judge(*census, own_.pids());
  report.foreign = foreign_;  // while the driver does not tell, what it told last
  report.sharing = sharingWords(foreign_);
  {
    const std::scoped_lock lock(mutex_);
    report.fault = faultOf(report.reading, critical_);
    report.lastXid = lastXid_;
    report.xids = xids_;
  }
  told_(std::move(report));
}

void Watcher::lookRepeatedly(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "gpu-watch");
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.period, [this] { return woken_; });
      woken_ = false;
    }
    if (!stop.stop_requested()) look();
  }
}

void Watcher::awaitXids(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "gpu-xid");
  while (!stop.stop_requested()) {
    const auto code = source_->awaitXid(kXidPatience);
    if (!code) continue;
    const std::scoped_lock lock(mutex_);
    ++xids_;
    lastXid_ = Xid{*code, options_.wallUs()};
    if (!critical_ && !isOfProgram(*code)) critical_ = lastXid_;
    woken_ = true;
    wake_.notify_one();
  }
}

}  // namespace daris::device
