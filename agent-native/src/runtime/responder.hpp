// The thread that carries the dispatcher's events to clients and to control, so that the dispatcher neither
// locks, allocates nor frees for them.
#pragma once

#include <thread>

#include "runtime/channel.hpp"
#include "runtime/commands.hpp"
#include "runtime/control.hpp"

namespace daris::runtime {

class Responder {
 public:
  Responder(Channel<Event>& events, Control& control);
  ~Responder();

  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  /// Delivers what is there and ends. Call it when the dispatcher has ended.
  void stop();

 private:
  void run(std::stop_token stop);
  void deliver();

  Channel<Event>& events_;
  Control& control_;
  std::jthread thread_;
};

}  // namespace daris::runtime
