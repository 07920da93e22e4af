#include "trace/json_lines.hpp"

#include <utility>

#include "trace/object_text.hpp"

namespace daris::trace {

namespace {

const char* nameOf(Kind kind) {
  switch (kind) {
    case Kind::Gpu:
    case Kind::Stage:
    case Kind::Terms:
      break;  // no line of their own
    case Kind::Start:
      return "start";
    case Kind::Configure:
      return "configure";
    case Kind::Add:
      return "add";
    case Kind::Change:
      return "change";
    case Kind::Remove:
      return "remove";
    case Kind::Capacities:
      return "capacities";
    case Kind::Slots:
      return "slots";
    case Kind::Release:
      return "release";
    case Kind::Request:
      return "request";
    case Kind::Withdraw:
      return "withdraw";
    case Kind::Idle:
      return "idle";
    case Kind::Dispatch:
      return "dispatch";
    case Kind::Drop:
      return "drop";
    case Kind::Complete:
      return "complete";
    case Kind::Fail:
      return "fail";
    case Kind::Migrate:
      return "migrate";
    case Kind::Admit:
      return "admit";
    case Kind::Reject:
      return "reject";
    case Kind::Skip:
      return "skip";
    case Kind::Early:
      return "early";
    case Kind::Waiting:
      return "waiting";
    case Kind::Finish:
      return "finish";
  }
  return "";
}

const char* errorName(sched::ErrorCode code) {
  switch (code) {
    case sched::ErrorCode::InvalidConfig:
      return "InvalidConfig";
    case sched::ErrorCode::InvalidSpec:
      return "InvalidSpec";
    case sched::ErrorCode::UnknownTask:
      return "UnknownTask";
    case sched::ErrorCode::UnknownUnit:
      return "UnknownUnit";
    case sched::ErrorCode::UnknownContext:
      return "UnknownContext";
    case sched::ErrorCode::WrongReleaseMode:
      return "WrongReleaseMode";
    case sched::ErrorCode::NotRunning:
      return "NotRunning";
    case sched::ErrorCode::StageMismatch:
      return "StageMismatch";
    case sched::ErrorCode::NotWaiting:
      return "NotWaiting";
    case sched::ErrorCode::ClassInUse:
      return "ClassInUse";
    case sched::ErrorCode::InvalidTime:
      return "InvalidTime";
    case sched::ErrorCode::TimeWentBack:
      return "TimeWentBack";
  }
  return "";
}

std::string gpuName(std::uint32_t gpu) {
  return "gpu" + std::to_string(gpu);
}

/// The lines' fields, kind by kind, after `t`, `e` and what names the task.
class Line {
 public:
  Line(std::string& out, const Record& record, const std::vector<Record>& details, const Labels& labels)
      : text_(out), record_(record), details_(details), labels_(labels) {}

  void write() {
    text_.field("t", record_.nowUs).field("e", nameOf(record_.kind));
    fields();
    text_.close();
  }

 private:
  void fields() {
    switch (record_.kind) {
      case Kind::Gpu:
      case Kind::Stage:
      case Kind::Terms:
        return;
      case Kind::Start:
      case Kind::Configure:
        return configure();
      case Kind::Add:
      case Kind::Change:
        return add();
      case Kind::Remove:
        task().field("draining", record_.remove.draining).field("cancelled", record_.remove.cancelled);
        return;
      case Kind::Capacities:
        return capacities();
      case Kind::Slots:
        place().field("class", record_.slots.classId).field("slots", record_.slots.slots);
        return;
      case Kind::Release:
      case Kind::Request:
        return release();
      case Kind::Withdraw:
        task().field("token", record_.release.token);
        return;
      case Kind::Idle:
        place();
        return;
      case Kind::Dispatch:
        return dispatch();
      case Kind::Drop:
        place(job().field("stage", record_.stage));
        return end();
      case Kind::Complete:
      case Kind::Fail:
        return complete();
      case Kind::Migrate:
        return migrate();
      case Kind::Admit:
        return admit();
      case Kind::Reject:
        return reject();
      case Kind::Skip:
        job();
        return;
      case Kind::Early:
        task().field("retryAt", record_.early.retryAtUs);
        return;
      case Kind::Waiting:
        job();
        if (record_.waiting.supersedes) text_.field("superseded", record_.waiting.superseded);
        return;
      case Kind::Finish:
        job();
        return end();
    }
  }

  ObjectText& task() { return text_.field("task", std::string_view(labelOf(labels_, record_.task))); }
  ObjectText& job() { return task().field("job", record_.job); }
  ObjectText& place() {
    return text_.field("gpu", std::string_view(gpuName(record_.gpu))).field("context", record_.context);
  }
  ObjectText& place(ObjectText&) { return place(); }

  void configure() {
    std::string& out = text_.at("gpus");
    char separator = '[';
    for (const Record& detail : details_) {
      out.push_back(std::exchange(separator, ','));
      const Record::Gpu& gpu = detail.gpuDetail;
      const auto position = static_cast<std::uint32_t>(&detail - details_.data());
      ObjectText(out)
          .field("name", std::string_view(gpuName(position)))
          .field("smCount", gpu.smCount)
          .field("contexts", gpu.contexts)
          .field("streamsPerContext", gpu.streams)
          .field("oversubscription", gpu.oversubscription)
          .close();
    }
    out.push_back(']');
    const Record::Configure& policy = record_.configure;
    ObjectText scheduler(text_.at("scheduler"));
    scheduler.field("mretWindow", policy.mretWindow)
        .field("mretAging", policy.mretAging)
        .field("admission", policy.predicted ? "Predicted" : "Utilization")
        .field("highPriorityAdmission", policy.highPriorityAdmission)
        .field("staging", policy.staging)
        .field("lastStageBoost", policy.lastStageBoost)
        .field("missBoost", policy.missBoost)
        .field("fixedPriorities", policy.fixedPriorities);
    if (policy.joining) scheduler.field("joining", true);
    scheduler.close();
  }

  /// The details are stages, those of one capacity after those of another.
  void capacities() {
    text_.field("class", record_.capacities.classId);
    std::string& out = text_.at("capacities");
    out.push_back('[');
    for (std::size_t i = 0; i < details_.size(); ++i) {
      const bool first = i == 0 || details_[i].job != details_[i - 1].job;
      if (first) out.append(i == 0 ? "" : "]},");
      if (first) appendUnsigned(out.append("{\"jobs\":"), details_[i].job);
      out.append(first ? ",\"afetUs\":[" : ",");
      appendInteger(out, details_[i].stageDetail.afetUs);
    }
    out.append(details_.empty() ? "]" : "]}]");
  }

  void add() {
    const Record::Add& add = record_.add;
    task().field("order", record_.task).field("priority", add.high ? "High" : "Low");
    text_.field("periodUs", add.periodUs).field("deadlineUs", add.deadlineUs);
    std::string& out = text_.at("afetUs");
    char separator = '[';
    for (const Record& detail : details_) {
      out.push_back(std::exchange(separator, ','));
      appendInteger(out, detail.stageDetail.afetUs);
    }
    out.append(details_.empty() ? "[]" : "]");
    text_.field("lateJobs", add.drop ? "Drop" : "Finish")
        .field("release", add.onRequest ? "OnRequest" : "Periodic");
    if (add.jitterGiven) text_.field("releaseJitterUs", add.jitterUs);
    text_.field("class", add.classId).field("placed", bool{add.placed});
    if (add.error != 0) {
      text_.field("error", errorName(static_cast<sched::ErrorCode>(add.error - 1)));
      if (add.placed) place();
      return;
    }
    if (record_.kind == Kind::Add) {
      place().utilization("util", add.util).utilization("total", add.total);
      return;
    }
    if (add.placed) place();
    text_.field("deferred", bool{add.deferred}).field("cancelled", bool{add.cancelled});
  }

  void release() {
    if (record_.release.numbered) {
      job();
    } else {
      task();
    }
    text_.field("nominal", record_.release.nominalUs).field("token", record_.release.token);
  }

  void dispatch() {
    place(job().field("stage", record_.stage))
        .field("stream", record_.stream)
        .field("level", record_.dispatch.level)
        .field("deadline", record_.dispatch.virtualDeadlineUs);
    if (record_.dispatch.capacity > 1)
      text_.field("jobs", record_.dispatch.jobs).field("capacity", record_.dispatch.capacity);
  }

  void complete() {
    job().field("stage", record_.stage);
    if (record_.kind == Kind::Complete) text_.field("exec", record_.complete.execUs);
    text_.field("missed", record_.complete.missed).field("mret", record_.complete.mretUs);
  }

  void migrate() {
    const sched::PredictedFinish predicted{record_.migrate.predictedScaled, record_.migrate.streams};
    job()
        .field("from", record_.migrate.from)
        .field("to", record_.context)
        .field("predicted", predicted.toDouble());
  }

  void admit() {
    const Record::Admit& admit = record_.admit;
    job().field("context", record_.context);
    if (admit.tested) text_.utilization("active", admit.active);
    text_.utilization("util", admit.util);
    if (admit.tested) text_.utilization("remaining", admit.remaining);
    text_.field("deadline", admit.deadlineUs);
  }

  void reject() {
    job();
    std::string& out = text_.at("tested");
    char separator = '[';
    for (const Record& detail : details_) {
      out.push_back(std::exchange(separator, ','));
      ObjectText tested(out);
      tested.field("context", detail.context)
          .utilization("active", detail.terms.active)
          .utilization("remaining", detail.terms.remaining);
      const sched::PredictedFinish predicted{detail.terms.predictedScaled, detail.terms.streams};
      if (predicted.streams > 0) tested.field("predicted", predicted.toDouble());
      tested.close();
    }
    out.append(details_.empty() ? "[]" : "]");
    text_.utilization("util", record_.reject.util).field("deadline", record_.reject.deadlineUs);
  }

  void end() {
    const Record::Finish& finish = record_.finish;
    text_.field("response", finish.responseUs).field("missed", finish.missed);
    if (finish.end == sched::End::Failed) text_.field("failed", true);
    if (finish.lateUs > 0) text_.field("late", finish.lateUs);
    if (finish.cause != sched::MissCause::None) text_.field("cause", wordOf(finish.cause));
    if (finish.behind == kNoTask) return;
    text_.field("behind", std::string_view(labelOf(labels_, finish.behind)))
        .field("behindUs", finish.behindUs);
  }

  ObjectText text_;
  const Record& record_;
  const std::vector<Record>& details_;
  const Labels& labels_;
};

}  // namespace

std::string labelOf(const Labels& labels, std::uint64_t task) {
  const auto found = labels.find(task);
  return found != labels.end() ? found->second : "task-" + std::to_string(task);
}

const char* wordOf(sched::MissCause cause) {
  switch (cause) {
    case sched::MissCause::None:
      break;
    case sched::MissCause::Loading:
      return "Loading";
    case sched::MissCause::Overrun:
      return "Overrun";
    case sched::MissCause::Blocked:
      return "Blocked";
    case sched::MissCause::Queued:
      return "Queued";
  }
  return "None";
}

void appendLine(std::string& out, const Record& record, const std::vector<Record>& details,
                const Labels& labels) {
  Line(out, record, details, labels).write();
  out.push_back('\n');
}

void JsonLines::begin(std::string& out) {
  ObjectText(out)
      .field("t", origin_.takenUs)
      .field("e", "trace")
      .field("version", 1)
      .field("instance", std::string_view(origin_.instance))
      .field("runtime", std::string_view(origin_.version))
      .field("wallMinusSteadyUs", origin_.wallMinusSteadyUs)
      .field("first", first_)
      .field("records", records_)
      .field("overwritten", overwritten_)
      .close();
  out.push_back('\n');
}

void JsonLines::append(std::string& out, const Record& record) {
  if (isDetail(record.kind)) {
    details_.push_back(record);
    return;
  }
  appendLine(out, record, details_, labels_);
  details_.clear();
}

}  // namespace daris::trace
