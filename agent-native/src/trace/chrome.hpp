// Chrome trace event JSON, which ui.perfetto.dev and chrome://tracing open: a process for each context with a
// track for each stream, and one process for the tasks with a track for each of them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "trace/writer.hpp"

namespace daris::trace {

/// Events come with growing `ts`. A slice whose begin is not in the extract is left out; one whose end is not
/// ends with the trace and says so.
class Chrome final : public Writer {
 public:
  /// `labels` must outlive it.
  Chrome(Origin origin, const Extract& extract, const Labels& labels);

  void begin(std::string& out) override;
  void append(std::string& out, const Record& record) override;
  void finish(std::string& out) override;

 private:
  using ContextKey = std::pair<std::uint32_t, std::uint32_t>;  // GPU, index
  struct Track {
    std::uint32_t process = 0;
    std::uint32_t thread = 0;
    friend auto operator<=>(const Track&, const Track&) = default;
  };

  void survey(const Extract& extract);
  void nameTracks(std::string& out);
  void dispatch(std::string& out, const Record& record);
  void complete(std::string& out, const Record& record);
  void admit(std::string& out, const Record& record);
  void reject(std::string& out, const Record& record);
  void end(std::string& out, const Record& record);
  void close(std::string& out, Track track);
  void active(std::string& out, const Record& record, int change);
  void note(std::string& out, const Record& record, const char* what);

  [[nodiscard]] std::uint32_t processOf(const Record& record) const;
  [[nodiscard]] Track streamOf(const Record& record) const { return {processOf(record), record.stream + 1}; }
  [[nodiscard]] Track taskOf(const Record& record) const;

  Origin origin_;
  std::uint64_t first_;
  std::uint64_t records_;
  std::uint64_t overwritten_;
  TimeUs lastUs_ = 0;
  const Labels& labels_;
  std::map<ContextKey, std::uint32_t> processes_;       // contexts; 0 is the tasks'
  std::set<Track> streams_;                             // with a slice in the extract
  std::map<std::uint64_t, std::uint32_t> taskThreads_;  // by task
  std::map<ContextKey, std::int64_t> activeJobs_;       // known to be, before the next record
  std::set<Track> open_;                                // with a slice that has not ended
};

}  // namespace daris::trace
