#include "engine/openvino/measure.hpp"

#include <time.h>

#include "engine/openvino/slot.hpp"

namespace daris::engine::openvino {
namespace {

std::int64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

std::vector<ov::InferRequest> make_requests(const OpenvinoModel& model, std::uint32_t batch) {
  const std::shared_ptr<CompiledStages> stages = model.compiled(batch, OpenvinoModel::kMeasuringCopy);
  const TensorSet tensors(model.manifest(), model.samples(), batch);
  std::vector<ov::InferRequest> requests;
  for (std::size_t i = 0; i < stages->size(); ++i) {
    requests.push_back(tensors.request((*stages)[i], model.manifest().stages[i]));
  }
  return requests;
}

// Runs all stages in order and adds the time of each.
void run_once(std::vector<ov::InferRequest>& requests, std::vector<std::int64_t>& total_ns) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::int64_t before = thread_cpu_ns();
    requests[i].infer();
    total_ns[i] += thread_cpu_ns() - before;
  }
}

}  // namespace

std::vector<std::int64_t> mean_stage_cpu_ns(const OpenvinoModel& model, std::uint32_t batch,
                                            std::uint32_t repetitions, const std::stop_token& stop) {
  std::vector<ov::InferRequest> requests = make_requests(model, batch);
  std::vector<std::int64_t> total_ns(requests.size(), 0);
  try {
    run_once(requests, total_ns);
    total_ns.assign(requests.size(), 0);
    for (std::uint32_t i = 0; i < repetitions; ++i) {
      if (stop.stop_requested()) throw EngineError("Cancelled", "measuring was cancelled");
      run_once(requests, total_ns);
    }
  } catch (const ov::Exception& error) {
    throw EngineError("StageFailed", "the model fails on its sample, batch " + std::to_string(batch) + ": " +
                                         model::printable(error.what()));
  }
  for (std::int64_t& ns : total_ns) ns /= repetitions;
  return total_ns;
}

}  // namespace daris::engine::openvino
