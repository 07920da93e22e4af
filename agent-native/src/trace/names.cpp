#include "trace/names.hpp"

#include <set>
#include <string_view>

namespace daris::trace {

namespace {

constexpr std::size_t kEnded = 4096;

}  // namespace

void Names::add(std::uint64_t task, std::shared_ptr<const std::string> name) {
  const std::scoped_lock lock(mutex_);
  names_[task] = std::move(name);
}

void Names::ended(std::uint64_t task) {
  const std::scoped_lock lock(mutex_);
  ended_.push_back(task);
  if (ended_.size() <= kEnded) return;
  names_.erase(ended_.front());
  ended_.pop_front();
}

Labels Names::labels() const {
  std::map<std::uint64_t, std::shared_ptr<const std::string>> names;
  {
    const std::scoped_lock lock(mutex_);
    names = names_;
  }
  Labels labels;
  std::set<std::string_view> taken;
  for (const auto& [task, name] : names) {
    const bool fresh = taken.insert(*name).second;
    labels.emplace(task, fresh ? *name : *name + "#" + std::to_string(task));
  }
  return labels;
}

}  // namespace daris::trace
