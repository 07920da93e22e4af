// What executes stages. The runtime sees this interface alone; each engine's framework stays behind it.
//
//   loader thread:      load -> measure -> create_slot ...      (blocking, allocates)
//   whoever dispatches, one thread at a time:  launch, poll      (never blocks, never allocates)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/partition.hpp"
#include "model/package.hpp"

namespace daris::engine {

/// Why a model cannot be loaded or a slot not be made. what() names the artifact and what would work.
/// Reasons:
///   InvalidArtifact  damaged, or its tensors are not those of the manifest
///   NoArtifacts      the package has none for this engine
///   UnknownBatch     no artifacts of that batch size
///   StageFailed      a stage threw while it was measured
///   Cancelled        the stop token was raised
///   WrongBuild       compiled by another version of the engine's framework, or for another device
///   OutOfMemory      the device has less memory left than the model or the slot takes
class EngineError : public std::runtime_error {
 public:
  EngineError(std::string reason, const std::string& message)
      : std::runtime_error(message), reason_(std::move(reason)) {}

  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// The hardware that an engine owns. Never changes while the engine lives.
struct Device {
  std::string uuid;     ///< unique on its node, such as "cpu-0"
  std::string product;  ///< as its vendor writes it
  std::uint32_t units;  ///< streaming multiprocessors, or cores given to the engine
  std::uint64_t memory_bytes;
  std::string engine;  ///< the word used in manifests, such as "openvino"
  std::string engine_version;
  /// Loading a model is running code that came with it, beside everyone's data.
  bool compiled_code = false;
};

/// A context of the partitioning in force.
struct Context {
  std::uint32_t units;  ///< streaming multiprocessors, or cores
  std::uint32_t streams;
  std::uint32_t wanted =
      0;  ///< units that eq. 9 asks for, where the hardware could not grant just these; else 0
};

/// A model that is ready to run, shared by all contexts. Immutable: may be read from any thread.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;

  [[nodiscard]] virtual const model::Manifest& manifest() const = 0;
  [[nodiscard]] virtual const std::string& digest() const = 0;
  /// Batch sizes that slots can have, ascending.
  [[nodiscard]] virtual const std::vector<std::uint32_t>& batches() const = 0;
  /// What the model takes while loaded, its slots apart; an estimate by its artifacts where
  /// an engine cannot tell.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const = 0;
};

/// Inputs and outputs of one job, its batch included, in memory that the engine's device can read and write
/// by itself where it can reach memory of the host at all. Whoever brings the inputs writes them before the
/// job is released; from then to the job's end nobody else touches it.
class JobMemory {
 public:
  virtual ~JobMemory() = default;

  /// The i-th of the manifest: batch * element_bytes(), row-major.
  [[nodiscard]] virtual std::span<std::byte> input(std::size_t i) = 0;
  [[nodiscard]] virtual std::span<std::byte> output(std::size_t i) = 0;
  /// Never used twice in a process, from 1: equal ids are equal inputs.
  [[nodiscard]] virtual std::uint64_t id() const = 0;
};

/// The buffers and prepared launches of one unit at a time, in one context: of one job, or of as many as fit
/// its batch. A unit keeps its slot from its first stage to its last. Keeps what it needs of its model alive.
/// Owned by whoever made it; between two launches any one thread may touch it; during a launch none, and it
/// must not be destroyed.
class Slot {
 public:
  virtual ~Slot() = default;

  [[nodiscard]] virtual std::uint32_t context() const = 0;
  /// The batch sizes that it can be launched at, ascending: its forms. All use the same memory, a smaller one
  /// the first part of each buffer.
  [[nodiscard]] virtual std::span<const std::uint32_t> batches() const = 0;
  /// Buffer of the i-th input of the manifest at the largest batch: batch * element_bytes(), row-major. It
  /// keeps its content over jobs.
  [[nodiscard]] virtual std::span<std::byte> input(std::size_t i) = 0;
  /// Buffer of the i-th output of the manifest. Valid from the completion of the last
  /// stage to the next launch.
  [[nodiscard]] virtual std::span<const std::byte> output(std::size_t i) const = 0;
  [[nodiscard]] virtual std::uint64_t memory_bytes() const = 0;
  /// What people should know of it, in sentences: stages that run outside of its context. Mostly nothing.
  [[nodiscard]] virtual std::span<const std::string> remarks() const { return {}; }

  // A unit's jobs, each in a place of the slot; place p of jobs of batch b has the rows from p * b on. Before
  // the first launch of a unit each of its jobs is seated, after its last each is collected whose outputs
  // somebody wants, and then the slot is vacated. None of them blocks or allocates.

  /// The job's inputs are those of the place: copied now, or read by the device in the first stage.
  /// `outputs`: whether they are wanted.
  virtual void seat(std::uint32_t place, JobMemory& job, bool outputs) = 0;
  /// When it returns, the outputs of the place are in the job's memory.
  virtual void collect(std::uint32_t place, JobMemory& job) = 0;
  /// Jobs' memory is not touched any more.
  virtual void vacate() {}
};

/// Memory for the buffers of a slot, given by whoever wants it elsewhere than in the engine's own: shared
/// with another process. Each buffer begins a page, is zeroed, and outlives the slot.
struct SlotMemory {
  std::vector<std::span<std::byte>>
      inputs;  ///< one for each input of the manifest, of its size at the largest batch
  std::vector<std::span<std::byte>> outputs;  ///< the same for outputs
};

/// Whose stage it is. Where the hardware can prefer the work of some streams, it prefers what is urgent: a
/// small kernel would wait for SMs among large ones. All others share it evenly: a unit that starved would
/// keep its stream for nothing.
enum class Urgency : std::uint8_t {
  Urgent,  ///< a high-priority job's that goes alone
  High,    ///< several jobs', one of high priority among them
  Low,     ///< low-priority jobs'
};

/// One stage of a unit, to run on a stream of the slot's context.
struct Launch {
  Slot* slot;
  std::uint32_t stage;   ///< index into the manifest's stages
  std::uint32_t stream;  ///< below the context's streams
  std::uint64_t tag;     ///< the caller's own, handed back with the completion
  Urgency urgency = Urgency::Urgent;
  std::uint32_t form = 0;  ///< index into the slot's batches; the same for all stages of a unit
};

/// A launch that ended. Times are microseconds of the steady clock.
struct Completion {
  Slot* slot = nullptr;
  std::uint64_t tag = 0;
  std::uint32_t context = 0;
  std::uint32_t stage = 0;
  std::uint32_t stream = 0;
  std::int64_t started_us = 0;
  std::int64_t finished_us = 0;
  /// Null where the stage did its work. Else what the engine said, valid until the slot's next launch; the
  /// job's outputs are then worthless, the slot itself may be used again.
  const char* error = nullptr;
};

/// Who dispatches the stages of an engine.
class CompletionListener {
 public:
  /// Completions can be polled. Called by the engine's own thread right after a stage has ended, by several
  /// threads at once where several streams end stages; it may call launch and poll. What it launches on the
  /// stream that has just ended starts without any thread being woken. Must not block.
  virtual void completed() noexcept = 0;

 protected:
  ~CompletionListener() = default;
};

/// An engine with its device. Must outlive its slots and models.
///
/// Threads: load, measure, create_slot, context and device may be called by any thread, also while stages
/// run. launch and poll are for one thread at a time. partition and the destructor want silence: no launch in
/// flight and no other call at that time.
class Engine {
 public:
  virtual ~Engine() = default;

  [[nodiscard]] virtual const Device& device() const = 0;

  /// Divides the device, and starts what executes the streams. Slots made before are void: destroy them
  /// first. Models stay loaded. Throws std::invalid_argument where the partitioning cannot be had; the former
  /// one is then still in force.
  virtual void partition(const Partitioning& partitioning) = 0;
  /// The contexts in force, one of all units with one stream before the first call of partition.
  [[nodiscard]] virtual const std::vector<Context>& contexts() const = 0;

  /// Compiles all artifacts of this engine in a package. Takes seconds; call it on a thread that may wait.
  /// The work is done in the background (lowest priority), so that stages which run at the time are not hurt.
  /// Throws EngineError, or model::PackageError when a file changed under it.
  [[nodiscard]] virtual std::shared_ptr<const LoadedModel> load(const model::Package& package,
                                                                std::stop_token stop) = 0;

  /// AFET: the time of each stage, in order, at a batch size under the partitioning in force, as it is with
  /// all streams busy (the paper's IV-A1): the mean over `repetitions` after a warm-up, rounded up,
  /// microseconds. On a CPU it is the stage's CPU time, times the streams that share the busiest core: the
  /// other streams need not be kept busy, and a live one is not hurt. On a GPU streams of its own are kept
  /// busy, as many as the partitioning has, or one where launches are under way: the live streams, which then
  /// share the GPU with it, are the busy ones. Uses no stream that launches name. Throws EngineError.
  [[nodiscard]] virtual std::vector<std::int64_t> measure(const std::shared_ptr<const LoadedModel>& model,
                                                          std::uint32_t batch, std::uint32_t repetitions,
                                                          std::stop_token stop) = 0;

  /// Makes buffers and prepared launches for each of these batch sizes, which are ascending and of the model.
  /// `model` must come from this engine, `context` be below contexts().size(). Inputs hold the package's
  /// sample, once for each batch element, or zeros without one. The first slot of a context and batch size
  /// takes long: what its streams need is compiled then, in the background. The calling thread itself should
  /// have normal priority: it takes short locks that a live stage may want. Throws EngineError UnknownBatch.
  [[nodiscard]] virtual std::unique_ptr<Slot> create_slot(const std::shared_ptr<const LoadedModel>& model,
                                                          std::uint32_t context,
                                                          const std::vector<std::uint32_t>& batches) = 0;

  /// The same, with inputs and outputs in memory given. Throws std::logic_error where the engine has no such
  /// slots.
  [[nodiscard]] virtual std::unique_ptr<Slot> create_slot_in(
      const SlotMemory& /*memory*/, const std::shared_ptr<const LoadedModel>& /*model*/,
      std::uint32_t /*context*/, const std::vector<std::uint32_t>& /*batches*/) {
    throw std::logic_error("engine " + device().engine + " makes no slots in memory given");
  }

  /// Memory for a job of the model. Called by any thread, also while stages run, and hurts none; so does the
  /// end of what it returns, which the engine outlives. Throws EngineError OutOfMemory.
  [[nodiscard]] virtual std::shared_ptr<JobMemory> create_job_memory(const LoadedModel& model,
                                                                     std::uint32_t batch) = 0;

  /// Whether it keeps what it has taken of the device's memory and does not use at present, as it does from
  /// the start; false: another process works on the device and shall have it. Wants silence, as partition
  /// does.
  virtual void hold_memory(bool /*held*/) {}

  /// Starts a stage and returns at once. A stream takes one launch at a time: the next one only after the
  /// completion of the last was polled. Neither blocks, nor allocates, nor throws; a stage that fails says so
  /// in its completion, and no other job is touched by it.
  virtual void launch(const Launch& launch) noexcept = 0;

  /// Who is told of completions from now on; null: nobody. Returns when no thread is inside the former
  /// listener any more, which may then be destroyed; so a listener never calls this.
  virtual void listen(CompletionListener* listener) noexcept = 0;

  /// Whether completions are found by polling alone: no thread of this engine calls the listener, and whoever
  /// dispatches polls without a pause while a stage runs.
  [[nodiscard]] virtual bool polled() const noexcept { return false; }

  /// Takes the completions that are there, at most as many as `completions` holds, and answers how many.
  /// Never blocks.
  [[nodiscard]] virtual std::size_t poll(std::span<Completion> completions) noexcept = 0;
};

}  // namespace daris::engine
