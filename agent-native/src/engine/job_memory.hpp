// Memory of jobs on the host's heap, and slots that copy jobs in and out: for engines whose device reads the
// host's memory anyway, or none at all.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.hpp"

namespace daris::engine {

/// An id that no other job's memory of this process has, whatever its engine.
[[nodiscard]] std::uint64_t next_job_memory_id();

/// Zeroed memory on the heap. Throws EngineError OutOfMemory.
[[nodiscard]] std::shared_ptr<JobMemory> make_heap_job_memory(const model::Manifest& manifest,
                                                              std::uint32_t batch);

/// Copies all inputs of a job into its place of the slot's buffers.
void copy_inputs(Slot& slot, std::size_t inputs, std::uint32_t place, JobMemory& job);
/// Copies all outputs of a place of the slot's buffers into the job's memory.
void copy_outputs(const Slot& slot, std::size_t outputs, std::uint32_t place, JobMemory& job);

/// A slot whose places are filled and read by copying. A place that holds a job's inputs already is not
/// filled again; whoever writes to input() itself therefore seats no job.
class CopyingSlot : public Slot {
 public:
  [[nodiscard]] std::span<const std::uint32_t> batches() const override { return batches_; }
  void seat(std::uint32_t place, JobMemory& job, bool outputs) override;
  void collect(std::uint32_t place, JobMemory& job) override;

 protected:
  CopyingSlot(const model::Manifest& manifest, std::vector<std::uint32_t> batches);
  [[nodiscard]] std::uint32_t largest_batch() const { return batches_.back(); }

 private:
  std::vector<std::uint32_t> batches_;
  std::size_t inputs_;
  std::size_t outputs_;
  std::size_t place_bytes_ = 0;      // of the first input: jobs of another batch have other places
  std::vector<std::uint64_t> held_;  // by place: whose inputs it has; 0: nobody's
};

}  // namespace daris::engine
