#include "rpc/status.hpp"

#include "runtime/error.hpp"

namespace daris::rpc {

grpc::Status statusOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const runtime::InvalidArgument& wrong) {
    return {grpc::StatusCode::INVALID_ARGUMENT, wrong.what()};
  } catch (const runtime::NotFound& missing) {
    return {grpc::StatusCode::NOT_FOUND, missing.what()};
  } catch (const runtime::Unavailable& later) {
    return {grpc::StatusCode::UNAVAILABLE, later.what()};
  } catch (const runtime::Exhausted& full) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, full.what()};
  } catch (const std::exception& other) {
    return {grpc::StatusCode::INTERNAL, other.what()};
  } catch (...) {
    return {grpc::StatusCode::INTERNAL, "an error without words"};
  }
}

grpc::Status statusOf(const runtime::Outcome& outcome, const std::string& task) {
  using runtime::Answer;
  const auto with = [&](grpc::StatusCode code) {
    return grpc::Status(code, runtime::explain(outcome, task));
  };
  switch (outcome.answer) {
    case Answer::Completed:
      return grpc::Status::OK;
    case Answer::Rejected:
    case Answer::Early:
      return with(grpc::StatusCode::RESOURCE_EXHAUSTED);
    case Answer::Superseded:
      return with(grpc::StatusCode::ABORTED);
    case Answer::Dropped:
    case Answer::Cancelled:
      return with(grpc::StatusCode::DEADLINE_EXCEEDED);
    case Answer::Failed:
      return with(grpc::StatusCode::INTERNAL);
    case Answer::Ended:
      return with(grpc::StatusCode::NOT_FOUND);
  }
  return {grpc::StatusCode::INTERNAL, "unknown outcome"};
}

}  // namespace daris::rpc
