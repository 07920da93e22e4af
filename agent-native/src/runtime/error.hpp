// What a caller of the runtime did wrong, or what it cannot have now; rpc/ maps each to one status.
#pragma once

#include <stdexcept>

namespace daris::runtime {

/// The message names the field or tensor and what was expected.
class InvalidArgument : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// No such task or model is served here.
class NotFound : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// It exists, but cannot be used now: being loaded, or the runtime is stopping.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A bound of the runtime itself was reached; trying later may help.
class Exhausted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace daris::runtime
