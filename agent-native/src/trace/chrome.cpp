#include "trace/chrome.hpp"

#include "trace/object_text.hpp"

namespace daris::trace {

namespace {

constexpr std::uint32_t kTasks = 1;  // the process of the tasks; contexts follow

/// The members that every event has; the caller closes it. Each event but the first follows a comma.
ObjectText event(std::string& out, const char* phase, TimeUs ts, std::uint32_t process,
                 std::uint32_t thread) {
  out.append(",\n");
  ObjectText text(out);
  text.field("ph", phase).field("ts", ts).field("pid", process).field("tid", thread);
  return text;
}

void nameTrack(std::string& out, const char* what, std::uint32_t process, std::uint32_t thread,
               std::string_view name) {
  ObjectText text = event(out, "M", 0, process, thread);
  text.field("name", what);
  ObjectText(text.at("args")).field("name", name).close();
  text.close();
}

bool isEnd(Kind kind) {
  return kind == Kind::Finish || kind == Kind::Drop;
}

}  // namespace

Chrome::Chrome(Origin origin, const Extract& extract, const Labels& labels)
    : origin_(std::move(origin)),
      first_(extract.first),
      records_(extract.records.size()),
      overwritten_(extract.overwritten),
      labels_(labels) {
  survey(extract);
}

/// Finds the tracks, and the jobs that were active when the extract began and end within it.
void Chrome::survey(const Extract& extract) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> admitted;
  for (const Record& record : extract.records) {
    lastUs_ = record.nowUs;
    const ContextKey context{record.gpu, record.context};
    if (record.kind == Kind::Dispatch || record.kind == Kind::Admit)
      processes_.try_emplace(context, kTasks + 1 + static_cast<std::uint32_t>(processes_.size()));
    if (record.kind == Kind::Dispatch) streams_.insert(streamOf(record));
    if (record.task != kNoTask)
      taskThreads_.try_emplace(record.task, 1 + static_cast<std::uint32_t>(taskThreads_.size()));
    if (record.kind == Kind::Admit) admitted.insert({record.task, record.job});
    if (isEnd(record.kind) && !admitted.contains({record.task, record.job})) {
      processes_.try_emplace(context, kTasks + 1 + static_cast<std::uint32_t>(processes_.size()));
      ++activeJobs_[context];
    }
  }
}

void Chrome::begin(std::string& out) {
  ObjectText text(out);
  text.field("displayTimeUnit", "ms");
  ObjectText(text.at("otherData"))
      .field("instance", std::string_view(origin_.instance))
      .field("runtime", std::string_view(origin_.version))
      .field("takenUs", origin_.takenUs)
      .field("wallMinusSteadyUs", origin_.wallMinusSteadyUs)
      .field("firstRecord", first_)
      .field("records", records_)
      .field("overwrittenRecords", overwritten_)
      .close();
  text.at("traceEvents").append("[");
  ObjectText first(out);
  first.field("ph", "M").field("ts", 0).field("pid", kTasks).field("tid", 0).field("name", "process_name");
  ObjectText(first.at("args")).field("name", "tasks").close();
  first.close();
  nameTracks(out);
}

void Chrome::nameTracks(std::string& out) {
  for (const auto& [context, process] : processes_) {
    const std::string name =
        "gpu" + std::to_string(context.first) + " context " + std::to_string(context.second);
    nameTrack(out, "process_name", process, 0, name);
  }
  for (const Track& track : streams_)
    nameTrack(out, "thread_name", track.process, track.thread, "stream " + std::to_string(track.thread - 1));
  for (const auto& [task, thread] : taskThreads_)
    nameTrack(out, "thread_name", kTasks, thread, labelOf(labels_, task));
}

void Chrome::append(std::string& out, const Record& record) {
  switch (record.kind) {
    case Kind::Dispatch:
      return dispatch(out, record);
    case Kind::Complete:
    case Kind::Fail:
      return complete(out, record);
    case Kind::Admit:
      return admit(out, record);
    case Kind::Finish:
    case Kind::Drop:
      return end(out, record);
    case Kind::Reject:
      return reject(out, record);
    case Kind::Migrate:
      return note(out, record, "migrate");
    case Kind::Release:
      return note(out, record, "release");
    case Kind::Request:
      return note(out, record, "request");
    case Kind::Withdraw:
      return note(out, record, "withdraw");
    case Kind::Skip:
      return note(out, record, "skip");
    case Kind::Early:
      return note(out, record, "early");
    case Kind::Waiting:
      return note(out, record, "waiting");
    case Kind::Add:
      return note(out, record, "add");
    case Kind::Change:
      return note(out, record, "change");
    case Kind::Remove:
      return note(out, record, "remove");
    case Kind::Gpu:
    case Kind::Stage:
    case Kind::Terms:
    case Kind::Start:
    case Kind::Configure:
    case Kind::Capacities:
    case Kind::Slots:
    case Kind::Idle:
      return;  // nothing to see on a time line
  }
}

void Chrome::finish(std::string& out) {
  for (const Track& track : open_) {
    ObjectText text = event(out, "E", lastUs_, track.process, track.thread);
    ObjectText(text.at("args")).field("goesOn", true).close();
    text.close();
  }
  open_.clear();
  out.append("]}\n");
}

void Chrome::dispatch(std::string& out, const Record& record) {
  const Track track = streamOf(record);
  if (open_.contains(track)) return;  // a unit is one slice, named for its first job
  ObjectText text = event(out, "B", record.nowUs, track.process, track.thread);
  text.field("name", std::string_view(labelOf(labels_, record.task) + "/" + std::to_string(record.stage)));
  ObjectText args(text.at("args"));
  args.field("job", record.job)
      .field("level", record.dispatch.level)
      .field("virtualDeadline", record.dispatch.virtualDeadlineUs);
  if (record.dispatch.capacity > 1)
    args.field("jobs", record.dispatch.jobs).field("capacity", record.dispatch.capacity);
  args.close();
  text.close();
  open_.insert(track);
}

void Chrome::complete(std::string& out, const Record& record) {
  const Track track = streamOf(record);
  if (open_.erase(track) == 0) return;
  ObjectText text = event(out, "E", record.nowUs, track.process, track.thread);
  ObjectText args(text.at("args"));
  if (record.kind == Kind::Complete) args.field("exec", record.complete.execUs);
  args.field("mret", record.complete.mretUs).field("missedVirtualDeadline", record.complete.missed);
  if (record.kind == Kind::Fail) args.field("failed", true);
  args.close();
  text.close();
}

void Chrome::admit(std::string& out, const Record& record) {
  const Track track = taskOf(record);
  ObjectText text = event(out, "B", record.nowUs, track.process, track.thread);
  text.field("name", std::string_view("job " + std::to_string(record.job)));
  ObjectText args(text.at("args"));
  args.field("context", record.context).field("deadline", record.admit.deadlineUs);
  if (record.admit.tested) {
    args.utilization("active", record.admit.active).utilization("remaining", record.admit.remaining);
  }
  args.utilization("util", record.admit.util).close();
  text.close();
  open_.insert(track);
  active(out, record, 1);
}

void Chrome::end(std::string& out, const Record& record) {
  const Track track = taskOf(record);
  const Record::Finish& finish = record.finish;
  if (finish.missed) note(out, record, "miss");
  active(out, record, -1);
  if (open_.erase(track) == 0) return;
  ObjectText text = event(out, "E", record.nowUs, track.process, track.thread);
  ObjectText args(text.at("args"));
  args.field("response", finish.responseUs).field("missed", finish.missed);
  if (record.kind == Kind::Drop) args.field("dropped", true);
  if (finish.end == sched::End::Failed) args.field("failed", true);
  if (finish.missed) args.field("late", finish.lateUs).field("cause", wordOf(finish.cause));
  if (finish.behind != kNoTask)
    args.field("behind", std::string_view(labelOf(labels_, finish.behind)))
        .field("behindUs", finish.behindUs);
  args.close();
  text.close();
}

/// The context's counter, after a job has come or gone.
void Chrome::active(std::string& out, const Record& record, int change) {
  const std::int64_t jobs = activeJobs_[{record.gpu, record.context}] += change;
  ObjectText text = event(out, "C", record.nowUs, processOf(record), 0);
  text.field("name", "active jobs");
  ObjectText(text.at("args")).field("jobs", jobs).close();
  text.close();
}

void Chrome::reject(std::string& out, const Record& record) {
  const Track track = taskOf(record);
  ObjectText text = event(out, "i", record.nowUs, track.process, track.thread);
  text.field("s", "t").field("name", "reject");
  ObjectText(text.at("args"))
      .field("job", record.job)
      .utilization("util", record.reject.util)
      .field("contextsTested", record.reject.tested)
      .close();
  text.close();
}

/// An instant on the task's track.
void Chrome::note(std::string& out, const Record& record, const char* what) {
  const Track track = taskOf(record);
  ObjectText text = event(out, "i", record.nowUs, track.process, track.thread);
  text.field("s", "t").field("name", what);
  ObjectText args(text.at("args"));
  args.field("job", record.job);
  if (record.kind == Kind::Release) args.field("nominal", record.release.nominalUs);
  if (record.kind == Kind::Migrate) args.field("from", record.migrate.from).field("to", record.context);
  if (record.kind == Kind::Early) args.field("retryAt", record.early.retryAtUs);
  args.close();
  text.close();
}

std::uint32_t Chrome::processOf(const Record& record) const {
  const auto found = processes_.find({record.gpu, record.context});
  return found != processes_.end() ? found->second : 0;
}

Chrome::Track Chrome::taskOf(const Record& record) const {
  const auto found = taskThreads_.find(record.task);
  return {kTasks, found != taskThreads_.end() ? found->second : 0};
}

}  // namespace daris::trace
