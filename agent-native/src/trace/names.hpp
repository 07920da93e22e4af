// The names of the tasks that records speak of by number. Kept by the thread that adds tasks, so that the one
// that writes records touches neither strings nor locks.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace daris::trace {

/// By number, unambiguous: a name that two of them have had goes with its number after a `#`.
using Labels = std::map<std::uint64_t, std::string>;

/// Any thread. Of the tasks that have ended the last few thousand are remembered.
class Names {
 public:
  void add(std::uint64_t task, std::shared_ptr<const std::string> name);
  void ended(std::uint64_t task);

  [[nodiscard]] Labels labels() const;

 private:
  mutable std::mutex mutex_;  // guards all below
  std::map<std::uint64_t, std::shared_ptr<const std::string>> names_;
  std::deque<std::uint64_t> ended_;
};

}  // namespace daris::trace
