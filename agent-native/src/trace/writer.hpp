// A trace as text, piece by piece: what every format has to say, record by record.
#pragma once

#include <string>

#include "trace/names.hpp"
#include "trace/ring.hpp"

namespace daris::trace {

/// Where a trace comes from.
struct Origin {
  std::string instance;  // of the process
  std::string version;
  TimeUs takenUs = 0;  // steady clock, as all instants of records
  std::int64_t wallMinusSteadyUs = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;

  /// Before the first record.
  virtual void begin(std::string& out) = 0;
  /// The next record; records come in order. May append nothing.
  virtual void append(std::string& out, const Record& record) = 0;
  /// After the last record.
  virtual void finish(std::string& out) = 0;
};

/// The task's name; a number in words where it is not known.
[[nodiscard]] std::string labelOf(const Labels& labels, std::uint64_t task);

/// The formats' word for a cause.
[[nodiscard]] const char* wordOf(sched::MissCause cause);

}  // namespace daris::trace
