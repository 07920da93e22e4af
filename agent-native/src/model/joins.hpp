// Whether the parts of a manifest fit together.
#pragma once

#include "model/manifest.hpp"

namespace daris::model {

/// Throws PackageError InvalidPackage for the first part that does not fit: a name that occurs twice, a
/// tensor that is read before it is written or written twice or never, a sample of the wrong size, a stage
/// without artifact. TooLarge where the files together exceed kMaxPackageBytes.
void check_joins(const Manifest& manifest);

}  // namespace daris::model
