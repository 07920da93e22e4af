// The manifest of a model package (model.json): its types and its strict parser.
// Nothing here touches a file; package.hpp opens what a manifest names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace daris::model {

/// Element types, in the words of the Open Inference Protocol.
enum class Datatype { kFp32, kFp16, kInt64, kInt32, kInt8, kUint8, kBool };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(Datatype datatype);

/// The protocol's word, such as "FP32".
[[nodiscard]] std::string_view to_word(Datatype datatype);

/// A named tensor, row-major and little endian. `shape[0]` is -1, the batch dimension; the
/// others are positive.
struct Tensor {
  std::string name;
  Datatype datatype;
  std::vector<std::int64_t> shape;

  /// Bytes of one batch element; the parser has checked that it cannot overflow.
  [[nodiscard]] std::size_t element_bytes() const;
};

/// A part of the model that runs without preemption. It reads model inputs or outputs of earlier stages.
struct Stage {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

/// A file of the package: path below it ('/' between parts, no `.` or `..`), 64 lower-case hex digits, size.
struct File {
  std::string path;
  std::string sha256;
  std::uint64_t bytes;
};

/// One batch element of an input; a batch of n repeats it.
struct Sample {
  std::string input;
  File file;
};

/// What an engine loads for one stage at one batch size. `arch` is "any" or an engine's word for a chip.
struct Artifact {
  std::string engine;
  std::string stage;
  std::uint32_t batch;
  std::string arch;
  File file;
};

/// What the artifacts of a stage at all its batch sizes share; only their engine reads it.
struct Weights {
  std::string engine;
  std::string stage;
  std::string arch;
  File file;
};

/// How an engine's border tensors of four dimensions lie in memory: as their shape says, or with the second
/// dimension innermost. Model inputs and outputs are row-major in either case.
enum class Layout { kContiguous, kChannelsLast };

/// What compiled the artifacts of one engine for one arch, so that an engine can refuse them unopened.
struct Build {
  std::string engine;
  std::string arch;
  std::string version;  ///< of the framework, such as "2.11.0+cu130"
  std::string cuda;     ///< such as "13.0"; "none" where there is none
  Datatype precision;   ///< of the computing, whatever the tensors' datatypes: kFp16 or kFp32
  bool tf32;            ///< whether FP32 products may be rounded to TF32
  Layout layout;
  double tolerance;  ///< accepted difference from the whole model, relative to each tensor's largest value
};

/// All that a package holds. `tensors` are those that only cross stage borders. Stages are in the order in
/// which a job runs them.
struct Manifest {
  std::string name;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::vector<Tensor> tensors;
  std::vector<Stage> stages;
  std::vector<Sample> samples;
  std::vector<Artifact> artifacts;
  std::vector<Build> builds;  ///< one for each engine and arch that tells; engine "torch" always does
  std::vector<Weights> weights;

  /// Every file that is named, one of them perhaps twice.
  [[nodiscard]] std::vector<const File*> files() const;

  /// The input, output or border tensor of that name; null where there is none.
  [[nodiscard]] const Tensor* tensor(std::string_view name) const;

  /// What `engine` loads for a stage at a batch size, of the first arch that has it; null where there is
  /// none.
  [[nodiscard]] const Artifact* artifact(std::string_view engine, std::string_view stage,
                                         std::uint32_t batch) const;

  /// Batch sizes for which `engine` has an artifact of every stage, ascending.
  [[nodiscard]] std::vector<std::uint32_t> batches(std::string_view engine) const;
  /// The same for one arch.
  [[nodiscard]] std::vector<std::uint32_t> batches(std::string_view engine, std::string_view arch) const;

  /// What compiled these artifacts; null where the package does not tell.
  [[nodiscard]] const Build* build(std::string_view engine, std::string_view arch) const;
};

inline constexpr std::string_view kManifestFile = "model.json";
inline constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxStages = 64;
inline constexpr std::size_t kMaxFiles = 4096;
inline constexpr std::uint64_t kMaxPackageBytes = std::uint64_t{16} << 30;
inline constexpr std::uint64_t kMaxElementBytes = std::uint64_t{1} << 30;

/// Reads the bytes of a model.json and checks that its parts fit together: every stage reads tensors that
/// exist by then, every tensor is written once, every (engine, arch, batch) has all stages. Throws
/// PackageError: UnsafePath for a file outside of the package, TooLarge beyond the limits above,
/// InvalidPackage else, with the JSON path of the field.
[[nodiscard]] Manifest parse_manifest(std::string_view json);

}  // namespace daris::model
