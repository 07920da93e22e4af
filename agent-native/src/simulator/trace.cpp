// Lines are written by hand: the order of keys and the text of numbers are part of the format.
#include "simulator/trace.hpp"

#include "trace/text.hpp"

namespace daris::simulator {

namespace {

using trace::appendDouble;
using trace::appendInteger;
using trace::appendQuoted;
using trace::appendUnsigned;
using trace::appendUtilization;

constexpr std::size_t kFlushAt = 1 << 20;

std::string quoted(const std::string& name) {
  std::string out;
  appendQuoted(out, name);
  return out;
}

}  // namespace

Trace::Trace(const Scenario& scenario, std::ostream* out) : out_(out) {
  for (const ScenarioTask& task : scenario.tasks) tasks_.push_back(quoted(task.name));
  for (const ScenarioGpu& gpu : scenario.gpus) gpus_.push_back(quoted(gpu.name));
}

void Trace::flush() {
  if (out_ != nullptr) out_->write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

/// Counts the line; false when nothing is to be written.
bool Trace::begin(TimeUs now, const char* event, std::uint32_t task) {
  ++lines_;
  if (out_ == nullptr) return false;
  buffer_.append("{\"t\":");
  appendInteger(buffer_, now);
  buffer_.append(",\"e\":\"").append(event).append("\",\"task\":").append(tasks_[task]);
  return true;
}

bool Trace::begin(TimeUs now, const char* event, JobName name) {
  if (!begin(now, event, name.task)) return false;
  key("job");
  appendUnsigned(buffer_, name.job);
  return true;
}

void Trace::end() {
  buffer_.append("}\n");
  if (buffer_.size() >= kFlushAt) flush();
}

void Trace::key(const char* name) {
  buffer_.append(",\"").append(name).append("\":");
}

void Trace::field(const char* name, std::int64_t value) {
  key(name);
  appendInteger(buffer_, value);
}

void Trace::field(const char* name, sched::Utilization value) {
  key(name);
  appendUtilization(buffer_, value);
}

void Trace::field(const char* name, bool value) {
  key(name);
  buffer_.append(value ? "true" : "false");
}

void Trace::assign(std::uint32_t task, sched::ContextRef context, sched::Utilization util,
                   sched::Utilization total) {
  if (!begin(0, "assign", task)) return;
  key("gpu");
  buffer_.append(gpus_[context.gpu]);
  field("context", std::int64_t{context.index});
  field("util", util);
  field("total", total);
  end();
}

void Trace::release(TimeUs now, JobName name) {
  if (begin(now, "release", name)) end();
}

void Trace::skip(TimeUs now, JobName name) {
  if (begin(now, "skip", name)) end();
}

void Trace::migrate(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome) {
  if (!begin(now, "migrate", name)) return;
  field("from", std::int64_t{outcome.migratedFrom->index});
  field("to", std::int64_t{outcome.context.index});
  key("predicted");
  appendDouble(buffer_, outcome.admittedBy->predicted->toDouble());
  end();
}

void Trace::admit(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome) {
  if (!begin(now, "admit", name)) return;
  field("context", std::int64_t{outcome.context.index});
  if (outcome.admittedBy) field("active", outcome.admittedBy->active);
  field("util", outcome.util);
  if (outcome.admittedBy) field("remaining", outcome.admittedBy->remaining);
  end();
}

void Trace::reject(TimeUs now, JobName name, const sched::ReleaseOutcome& outcome) {
  if (!begin(now, "reject", name)) return;
  key("tested");
  char separator = '[';
  for (const sched::AdmissionTerms& terms : outcome.tested) {
    buffer_.push_back(separator);
    buffer_.append("{\"context\":");
    appendInteger(buffer_, terms.context.index);
    field("active", terms.active);
    field("remaining", terms.remaining);
    buffer_.push_back('}');
    separator = ',';
  }
  buffer_.push_back(']');
  field("util", outcome.util);
  end();
}

void Trace::dispatch(TimeUs now, JobName name, const sched::Dispatch& run, const sched::UnitMember& member) {
  if (!begin(now, "dispatch", name)) return;
  field("stage", std::int64_t{run.stage});
  key("gpu");
  buffer_.append(gpus_[run.context.gpu]);
  field("context", std::int64_t{run.context.index});
  field("stream", std::int64_t{run.stream});
  field("level", std::int64_t{run.level});
  field("deadline", member.virtualDeadlineUs);
  if (run.capacity > 1) {
    field("jobs", static_cast<std::int64_t>(run.members.size()));
    field("capacity", std::int64_t{run.capacity});
  }
  end();
}

void Trace::complete(TimeUs now, JobName name, sched::StageIndex stage, DurationUs execUs,
                     const sched::MemberCompletion& member) {
  if (!begin(now, "complete", name)) return;
  field("stage", std::int64_t{stage});
  field("exec", execUs);
  field("missed", member.missedVirtualDeadline);
  field("mret", member.mretUs);
  end();
}

void Trace::finish(TimeUs now, JobName name, const sched::JobEnd& end_) {
  if (!begin(now, "finish", name)) return;
  field("response", end_.responseUs);
  field("missed", end_.missed);
  end();
}

void Trace::drop(TimeUs now, JobName name, const sched::JobEnd& end_) {
  if (!begin(now, "drop", name)) return;
  field("stage", std::int64_t{end_.stage});
  end();
}

}  // namespace daris::simulator
