#include "runtime/turn.hpp"

#include <cassert>
#include <system_error>

namespace daris::runtime {

Turn::Turn() {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  // A kernel without it leaves a plain mutex, which is as right and only less prompt.
  (void)::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  const int error = ::pthread_mutex_init(&mutex_, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_mutex_init");
}

Turn::~Turn() {
  ::pthread_mutex_destroy(&mutex_);
}

void Turn::lock() noexcept {
  [[maybe_unused]] const int error = ::pthread_mutex_lock(&mutex_);
  assert(error == 0);
}

bool Turn::try_lock() noexcept {
  return ::pthread_mutex_trylock(&mutex_) == 0;
}

void Turn::unlock() noexcept {
  ::pthread_mutex_unlock(&mutex_);
}

}  // namespace daris::runtime
