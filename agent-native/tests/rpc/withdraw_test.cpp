// Clients that leave, against the real process: what waits is taken back, what was released goes on.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "rpc/runtime_process.hpp"

namespace daris::test {
namespace {

using grpc::StatusCode;
using inference::ModelInferRequest;

ModelInferRequest patientRequest(std::int64_t rounds) {
  ModelInferRequest request;
  request.set_model_name("p.default");
  auto& x = *request.add_inputs();
  x.set_name("x");
  x.set_datatype("FP32");
  x.add_shape(1);
  x.add_shape(4);
  auto& count = *request.add_inputs();
  count.set_name("rounds");
  count.set_datatype("INT64");
  count.add_shape(1);
  count.add_shape(1);
  const std::vector<float> values{1, 2, 3, 4};
  request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
  request.add_raw_input_contents(&rounds, sizeof rounds);
  return request;
}

/// A runtime with the OnRequest task `p`, whose jobs take as long as a test wants.
class WithdrawTest : public testing::Test {
 protected:
  WithdrawTest() {
    const PackageContent patient = patient_package();
    write_folder(patient, bed_.modelRoot() / "patient");
    auto desired = bed_.desired(1);
    wire::DesiredModel& model = *desired.add_models();
    model.set_digest(patient.digest());
    model.set_uri("file:///patient");
    auto& task = addTask(desired, "p", patient.digest());
    task.set_release(wire::RELEASE_ON_REQUEST);
    task.set_period_us(60'000'000);
    task.set_deadline_us(60'000'000);
    task.set_release_jitter_us(60'000'000'000);  // a burst of a thousand
    bed_.serve(desired);
  }

  /// How many rounds take about so long on this machine.
  std::int64_t roundsFor(std::chrono::microseconds length) {
    std::int64_t rounds = 1000;
    for (;;) {
      const auto [status, response] = bed_.infer(patientRequest(rounds));
      if (!status.ok()) throw std::runtime_error(status.error_message());
      ++jobs_;
      const std::int64_t tookUs = response.parameters().at("response_us").int64_param();
      if (tookUs > 50'000) return rounds * length.count() / tookUs;
      rounds *= 4;
    }
  }

  /// The task's counters, once they have these values.
  wire::JobCounters waitFor(const std::function<bool(const wire::JobCounters&)>& wanted) {
    return find(bed_.waitFor([&](const auto& state) { return wanted(find(state, "p")->jobs()); }), "p")
        ->jobs();
  }

  Bed bed_;
  std::uint64_t jobs_ = 0;  // that have completed
};

TEST_F(WithdrawTest, AWaitingRequestWhoseClientLeavesDoesNotRun) {
  const std::int64_t rounds = roundsFor(std::chrono::seconds(4));
  grpc::Status ran;
  std::jthread running([&] { ran = bed_.infer(patientRequest(rounds)).status; });
  waitFor([&](const auto& jobs) { return jobs.admitted() == jobs_ + 1; });

  // One client cancels, one has a deadline that passes; both while the job before theirs runs.
  grpc::ClientContext context;
  grpc::Status left;
  std::jthread leaving([&] {
    inference::ModelInferResponse response;
    left = bed_.client().ModelInfer(&context, patientRequest(1), &response);
  });
  waitFor([&](const auto& jobs) { return jobs.released() == jobs_ + 2; });
  context.TryCancel();
  waitFor([&](const auto& jobs) { return jobs.withdrawn() == 1; });
  const grpc::Status expired = bed_.infer(patientRequest(1), std::chrono::milliseconds(500)).status;
  waitFor([&](const auto& jobs) { return jobs.withdrawn() == 2; });

  running.join();
  leaving.join();
  EXPECT_TRUE(ran.ok()) << "what runs is not ended: " << ran.error_message();
  EXPECT_EQ(left.error_code(), StatusCode::CANCELLED);
  EXPECT_EQ(expired.error_code(), StatusCode::DEADLINE_EXCEEDED);
  const auto jobs = waitFor([&](const auto& seen) { return seen.completed() == jobs_ + 1; });
  EXPECT_EQ(jobs.released(), jobs_ + 3);
  EXPECT_EQ(jobs.admitted(), jobs_ + 1) << "neither of the two ran";
  EXPECT_EQ(jobs.superseded(), 0U);
  EXPECT_TRUE(bed_.infer(patientRequest(1)).status.ok()) << "the task serves on";
}

TEST_F(WithdrawTest, AJobWhoseClientLeavesRunsToItsEnd) {
  const std::int64_t rounds = roundsFor(std::chrono::seconds(2));
  grpc::ClientContext context;
  std::jthread leaving([&] {
    inference::ModelInferResponse response;
    (void)bed_.client().ModelInfer(&context, patientRequest(rounds), &response);
  });
  waitFor([&](const auto& jobs) { return jobs.admitted() == jobs_ + 1; });
  context.TryCancel();
  leaving.join();
  const auto jobs = waitFor([&](const auto& seen) { return seen.completed() == jobs_ + 1; });
  EXPECT_EQ(jobs.withdrawn(), 0U);
}

}  // namespace
}  // namespace daris::test
