// Streams of observed states: one thread looks at the runtime and writes to all that watch.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "runtime.pb.h"
#include "runtime/runtime.hpp"

namespace daris::rpc {

/// A watcher gets a state at once, one within 50 ms of each transition, one each interval. One that reads
/// slowly misses states, never delays others, and gets the newest when it is ready again.
class WatchHub {
 public:
  using State = ::daris::runtime::v1::ObservedState;

  explicit WatchHub(runtime::Runtime& runtime);
  ~WatchHub();

  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  /// A stream for one call; gRPC owns it until its end.
  [[nodiscard]] grpc::ServerWriteReactor<State>* watch(DurationUs intervalUs);

  /// Ends all streams; no more are taken.
  void stop();

 private:
  class Stream;

  void run(std::stop_token stop);
  void writeDue(std::unique_lock<std::mutex>& lock);
  void changed();

  runtime::Runtime& runtime_;
  std::mutex mutex_;  // guards all below and the streams' own fields
  std::condition_variable_any wake_;
  std::set<Stream*> streams_;
  bool changed_ = false;   // a transition that no state shows yet
  bool dueMoved_ = false;  // when the next state is due has to be found anew
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace daris::rpc
