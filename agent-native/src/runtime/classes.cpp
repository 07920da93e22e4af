#include "runtime/classes.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

// Contexts may be many, and each stage may be remarked on in each; a message of a condition is short.
constexpr std::size_t kNamedRemarks = 4;

}  // namespace

void SlotDemand::add(const ClassKey& key, sched::Priority priority, std::uint32_t context,
                     const Capacities& capacities) {
  Class& wanted = wanted_.try_emplace(key).first->second;
  wanted.jobs.resize(contexts_, 0);
  wanted.capacities = capacities;
  if (priority == sched::Priority::High) {
    ++wanted.jobs[context];
  } else {
    for (std::uint32_t& count : wanted.jobs) ++count;
  }
}

std::vector<std::uint32_t> SlotDemand::slotsOf(const Class& wanted, const Capacities& capacities) const {
  std::vector<std::uint32_t> slots = wanted.jobs;
  if (capacities.empty()) return slots;
  for (std::uint32_t& count : slots) count = std::min(count, streams_);
  return slots;
}

// ---- Orders ----

void Classes::want(const SlotDemand& demand, const std::set<ClassKey>& used) {
  demanded_.clear();
  for (const auto& [key, wanted] : demand.byClass()) {
    demanded_[key] = wanted.capacities;
    Entry& entry = entries_[key];
    if (entry.current.id == 0) entry.current = begin(wanted.capacities, wanted.jobs.size());
    renew(entry, wanted.capacities);
    Slots& slots = entry.successor ? *entry.successor : entry.current;
    orderMissing(key, slots, demand.slotsOf(wanted, slots.capacities));
  }
  for (auto at = entries_.begin(); at != entries_.end();) {
    const Entry& entry = at->second;
    const bool keep = demand.byClass().contains(at->first) || used.contains(at->first) ||
                      entry.current.ordered || entry.successor;
    if (keep) {
      ++at;
      continue;
    }
    retire(entry.current.id);
    at = entries_.erase(at);
  }
}

Classes::Slots Classes::begin(const Capacities& capacities, std::size_t contexts) {
  Slots slots;
  slots.id = nextId_++;
  slots.wanted = slots.capacities = capacities;
  slots.have.assign(contexts, 0);
  slots.asked = slots.have;
  return slots;
}

/// Where jobs shall go together otherwise than when the class was begun, it is begun anew.
void Classes::renew(Entry& entry, const Capacities& wanted) {
  Slots& current = entry.current;
  if (entry.successor || current.ordered || sameSizes(wanted, current.wanted)) return;
  if (sameSizes(wanted, current.capacities)) {
    current.wanted = wanted;
  } else if (!entry.tried || !sameSizes(wanted, *entry.tried)) {
    entry.successor = begin(wanted, current.have.size());
  }
}

void Classes::orderMissing(const ClassKey& key, Slots& slots, std::vector<std::uint32_t> wanted) {
  bool more = false;
  for (std::size_t i = 0; i < wanted.size(); ++i) more = more || wanted[i] > slots.asked[i];
  if (!more || slots.ordered) return;
  const bool first = std::ranges::all_of(slots.have, [](std::uint32_t count) { return count == 0; });
  slots.ordered = true;
  for (std::size_t i = 0; i < wanted.size(); ++i) slots.asked[i] = std::max(slots.asked[i], wanted[i]);
  order_({key, slots.id, first, slots.capacities, slots.have, slots.asked});
}

// ---- Deliveries ----

bool Classes::delivered(const ClassKey& key, ClassDelivery delivery) {
  Entry& entry = entries_.find(key)->second;
  if (entry.successor) return takeSuccessor(key, entry, delivery);
  Slots& slots = entry.current;
  slots.ordered = false;
  const bool any = std::ranges::any_of(delivery.slots, [](std::uint32_t count) { return count > 0; });
  if (any) slots.capacities = std::move(delivery.capacities);
  for (std::size_t i = 0; i < slots.have.size() && i < delivery.slots.size(); ++i)
    slots.have[i] += delivery.slots[i];
  entry.fault = std::move(delivery.fault);
  entry.remarks.merge(delivery.remarks);
  return true;
}

/// A successor that has all that was ordered takes the place of the current slots, if it is still wanted.
bool Classes::takeSuccessor(const ClassKey& key, Entry& entry, ClassDelivery& delivery) {
  Slots next = std::move(*entry.successor);
  entry.successor.reset();
  const auto wanted = demanded_.find(key);
  if (wanted == demanded_.end() || !sameSizes(wanted->second, next.wanted)) return false;
  if (!delivery.fault.empty()) {
    entry.tried = next.wanted;
    entry.unchanged = "its jobs go together as before: " + delivery.fault;
    return false;
  }
  entry.current.wanted = next.wanted;
  entry.unchanged.clear();
  if (sameSizes(delivery.capacities, entry.current.capacities)) {
    entry.remarks.merge(delivery.remarks);
    return false;
  }
  former_.push_back(entry.current.id);
  entry.remarks = std::move(delivery.remarks);
  next.ordered = false;
  next.former = entry.current.id;
  next.capacities = std::move(delivery.capacities);
  next.have = std::move(delivery.slots);
  entry.current = std::move(next);
  return true;
}

// ---- Ends ----

void Classes::retireFormer(const std::set<sched::ClassId>& used) {
  std::erase_if(former_, [&](sched::ClassId id) {
    if (used.contains(id)) return false;
    retire(id);
    return true;
  });
}

void Classes::retire(sched::ClassId id) {
  retiring_.insert(id);
  retire_(id);
}

void Classes::retired(sched::ClassId classId) {
  retiring_.erase(classId);
  for (auto& [key, entry] : entries_) {
    Slots& current = entry.current;
    if (current.former != classId) continue;
    current.former = 0;
    current.wanted = current.capacities;
  }
}

void Classes::forgive() {
  for (auto& [key, entry] : entries_) {
    entry.tried.reset();
    entry.unchanged.clear();
    if (entry.current.ordered) continue;
    entry.fault.clear();
    entry.current.asked = entry.current.have;
  }
}

// ---- Looking ----

Classes::State Classes::stateFor(const ClassKey& key, sched::Priority priority, std::uint32_t context) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return State::Pending;
  const Entry& entry = found->second;
  const std::vector<std::uint32_t>& have = entry.current.have;
  const bool ready = priority == sched::Priority::High
                         ? have[context] > 0
                         : std::ranges::all_of(have, [](std::uint32_t count) { return count > 0; });
  if (ready) return State::Ready;
  return entry.fault.empty() || entry.successor ? State::Pending : State::Faulty;
}

std::string Classes::remarksOn(const ClassKey& key) const {
  const Entry& entry = entries_.find(key)->second;
  std::set<std::string> remarks = entry.remarks;
  if (!entry.unchanged.empty()) remarks.insert(entry.unchanged);
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

const Capacities* Classes::capacitiesOf(const ClassKey& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  const Slots& current = found->second.current;
  const bool any = std::ranges::any_of(current.have, [](std::uint32_t count) { return count > 0; });
  return any ? &current.capacities : nullptr;
}

std::map<sched::ClassId, ClassKey> Classes::keys() const {
  std::map<sched::ClassId, ClassKey> keys;
  for (const auto& [key, entry] : entries_) keys.emplace(entry.current.id, key);
  return keys;
}

}  // namespace daris::runtime
