#include "runtime/loader.hpp"

#include <pthread.h>

#include <chrono>

namespace daris::runtime {

Loader::Loader(const Clock& clock) : clock_(clock), thread_([this](std::stop_token stop) { run(stop); }) {}

Loader::~Loader() {
  stop();
}

void Loader::postAfter(DurationUs delayUs, Job job) {
  const std::scoped_lock lock(mutex_);
  jobs_.emplace(clock_.steadyUs() + delayUs, std::move(job));
  due_.notify_one();
}

void Loader::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Loader::run(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "loader");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (jobs_.empty()) {
      due_.wait(lock, stop, [this] { return !jobs_.empty(); });
      continue;
    }
    const DurationUs leftUs = jobs_.begin()->first - clock_.steadyUs();
    if (leftUs > 0) {
      const auto earlier = [this, first = jobs_.begin()->first] { return jobs_.begin()->first < first; };
      due_.wait_for(lock, stop, std::chrono::microseconds(leftUs), earlier);
      continue;
    }
    const Job job = std::move(jobs_.extract(jobs_.begin()).mapped());
    lock.unlock();
    job(stop);
    lock.lock();
  }
}

}  // namespace daris::runtime
