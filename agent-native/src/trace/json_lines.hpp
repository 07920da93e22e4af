// The decision record: one JSON object a line, the lines of a simulator's trace and, beside them, everything
// that the core was told; from this a replay makes the same decisions again (docs/trace.md).
#pragma once

#include <vector>

#include "trace/writer.hpp"

namespace daris::trace {

class JsonLines final : public Writer {
 public:
  /// `labels` must outlive it.
  JsonLines(Origin origin, const Extract& extract, const Labels& labels)
      : origin_(std::move(origin)),
        first_(extract.first),
        records_(extract.records.size()),
        overwritten_(extract.overwritten),
        labels_(labels) {}

  void begin(std::string& out) override;
  void append(std::string& out, const Record& record) override;
  void finish(std::string&) override {}

 private:
  Origin origin_;
  std::uint64_t first_;
  std::uint64_t records_;
  std::uint64_t overwritten_;
  const Labels& labels_;
  std::vector<Record> details_;  // of the record that comes next
};

/// The lines alone, for who has records but no trace of a process.
void appendLine(std::string& out, const Record& record, const std::vector<Record>& details,
                const Labels& labels);

}  // namespace daris::trace
