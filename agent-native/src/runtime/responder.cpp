#include "runtime/responder.hpp"

#include <pthread.h>

namespace daris::runtime {

namespace {

struct Deliver {
  Control& control;

  void operator()(Answered&& event) const { event.request->answer(*event.request); }
  void operator()(Discarded&&) const {}
  void operator()(TaskEnded&& event) const { control.handle(std::move(event)); }
  void operator()(TaskRefused&& event) const { control.handle(std::move(event)); }
  void operator()(ClassRetired&& event) const { control.handle(std::move(event)); }
};

}  // namespace

Responder::Responder(Channel<Event>& events, Control& control)
    : events_(events), control_(control), thread_([this](std::stop_token stop) { run(stop); }) {}

Responder::~Responder() {
  stop();
}

void Responder::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Responder::run(std::stop_token stop) {
  ::pthread_setname_np(::pthread_self(), "responder");
  const std::stop_callback wake(stop, [this] { events_.wake(); });
  while (!stop.stop_requested()) {
    pollfd readable{events_.fd(), POLLIN, 0};
    ::poll(&readable, 1, -1);
    events_.clear();
    deliver();
  }
  deliver();
}

void Responder::deliver() {
  while (auto event = events_.tryReceive()) std::visit(Deliver{control_}, std::move(*event));
}

}  // namespace daris::runtime
