#include "runtime/classes.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

// Contexts may be many, and each stage may be remarked on in each; a message of a condition is short.
constexpr std::size_t kNamedRemarks = 4;

}  // namespace

void SlotDemand::add(const ClassKey& key, sched::Priority priority, std::uint32_t context) {
  auto& wanted = wanted_.try_emplace(key, contexts_, 0U).first->second;
  if (priority == sched::Priority::High) {
    ++wanted[context];
  } else {
    for (std::uint32_t& count : wanted) ++count;
  }
}

void Classes::want(const SlotDemand& demand, const std::set<ClassKey>& used) {
  for (const auto& [key, wanted] : demand.byClass()) {
    Entry& entry = entries_[key];
    if (entry.id == 0) {
      entry.id = nextId_++;
      entry.have.assign(wanted.size(), 0);
      entry.asked = entry.have;
    }
    bool more = false;
    for (std::size_t i = 0; i < wanted.size(); ++i) more = more || wanted[i] > entry.asked[i];
    if (!more || entry.ordered) continue;
    entry.ordered = true;
    for (std::size_t i = 0; i < wanted.size(); ++i) entry.asked[i] = std::max(entry.asked[i], wanted[i]);
    order_(key, entry.id, entry.have, entry.asked);
  }
  for (auto at = entries_.begin(); at != entries_.end();) {
    const bool keep = demand.byClass().contains(at->first) || used.contains(at->first) || at->second.ordered;
    if (keep) {
      ++at;
      continue;
    }
    retiring_.insert(at->second.id);
    retire_(at->second.id);
    at = entries_.erase(at);
  }
}

void Classes::delivered(const ClassKey& key, const std::vector<std::uint32_t>& slots, std::string fault,
                        std::set<std::string> remarks) {
  Entry& entry = entries_.find(key)->second;
  entry.remarks.merge(remarks);
  entry.ordered = false;
  entry.fault = std::move(fault);
  for (std::size_t i = 0; i < entry.have.size() && i < slots.size(); ++i) entry.have[i] += slots[i];
}

std::string Classes::remarksOn(const ClassKey& key) const {
  const auto& remarks = entries_.find(key)->second.remarks;
  std::string line;
  std::size_t named = 0;
  for (const std::string& remark : remarks) {
    if (named++ == kNamedRemarks) break;
    line += (line.empty() ? "" : "; ") + remark;
  }
  if (remarks.size() > kNamedRemarks)
    line += "; and " + std::to_string(remarks.size() - kNamedRemarks) + " more";
  return line;
}

void Classes::retired(sched::ClassId classId) {
  retiring_.erase(classId);
}

void Classes::forgive() {
  for (auto& [key, entry] : entries_) {
    if (entry.ordered) continue;
    entry.fault.clear();
    entry.asked = entry.have;
  }
}

Classes::State Classes::stateFor(const ClassKey& key, sched::Priority priority, std::uint32_t context) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return State::Pending;
  const Entry& entry = found->second;
  const bool ready = priority == sched::Priority::High
                         ? entry.have[context] > 0
                         : std::ranges::all_of(entry.have, [](std::uint32_t count) { return count > 0; });
  if (ready) return State::Ready;
  return entry.fault.empty() ? State::Pending : State::Faulty;
}

}  // namespace daris::runtime
