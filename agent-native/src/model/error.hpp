// Why a model package was refused.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace daris::model {

/// A package that cannot be used. `reason` is one CamelCase word for conditions and metrics; what() names the
/// file or field and what would work. Reasons of this module:
///   NotFound        no such package, or a file that model.json names is missing
///   InvalidUri      not `file:///PATH`, or a digest that is not `sha256:<64 hex>`
///   DigestMismatch  model.json or a file has another digest, or another size, than it should
///   UnsafePath      `..`, an absolute path, a symlink, a hard link in a tar, a device, a socket or a pipe
///   UnlistedFile    a file that model.json does not name
///   InvalidPackage  model.json is not what its format asks for, or the tar is damaged
///   TooLarge        beyond a limit of manifest.hpp
///   Unreadable      the disk or the permissions refuse
/// Engines add InvalidArtifact and their own (engine/engine.hpp).
class PackageError : public std::runtime_error {
 public:
  PackageError(std::string reason, const std::string& message)
      : std::runtime_error(message), reason_(std::move(reason)) {}

  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// A name from a package in quotes, fit for messages: at most 120 bytes, and '?' for all but printable ASCII.
[[nodiscard]] std::string printable(std::string_view name);

}  // namespace daris::model
