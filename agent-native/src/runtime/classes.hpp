// The slots that tasks need, class by class (a model at a batch size), and what has been made of them.
// Guarded by its owner's lock.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/slot_factory.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// Model digest and batch size.
using ClassKey = std::pair<std::string, std::uint32_t>;

/// How many jobs of each class may be in each context at once: a high-priority task in its own, a
/// low-priority one in any, since it may migrate.
class SlotDemand {
 public:
  explicit SlotDemand(std::uint32_t contexts) : contexts_(contexts) {}
  void add(const ClassKey& key, sched::Priority priority, std::uint32_t context);
  [[nodiscard]] const std::map<ClassKey, std::vector<std::uint32_t>>& byClass() const { return wanted_; }

 private:
  std::uint32_t contexts_;
  std::map<ClassKey, std::vector<std::uint32_t>> wanted_;
};

class Classes {
 public:
  using Order = std::function<void(const ClassKey&, sched::ClassId, std::vector<std::uint32_t> have,
                                   std::vector<std::uint32_t> wanted)>;
  using Retire = std::function<void(sched::ClassId)>;

  Classes(Order order, Retire retire) : order_(std::move(order)), retire_(std::move(retire)) {}

  /// Orders what is missing and retires classes that are neither in demand nor among `used`.
  void want(const SlotDemand& demand, const std::set<ClassKey>& used);

  /// What an order brought, by context; `fault` says why a context that wants slots has none, `remarks` what
  /// people should know of them.
  void delivered(const ClassKey& key, const std::vector<std::uint32_t>& slots, std::string fault,
                 std::set<std::string> remarks = {});
  void retired(sched::ClassId classId);

  /// Lets faults be tried again.
  void forgive();

  enum class State { Ready, Pending, Faulty };
  /// Whether a task of that class can be added: every context that it may run in has a slot.
  [[nodiscard]] State stateFor(const ClassKey& key, sched::Priority priority, std::uint32_t context) const;
  [[nodiscard]] const std::string& faultOf(const ClassKey& key) const {
    return entries_.find(key)->second.fault;
  }
  /// The remarks on its slots, in one line: the first few, and how many more there are.
  [[nodiscard]] std::string remarksOn(const ClassKey& key) const;
  [[nodiscard]] sched::ClassId idOf(const ClassKey& key) const { return entries_.find(key)->second.id; }
  [[nodiscard]] bool empty() const { return entries_.empty() && retiring_.empty(); }

 private:
  struct Entry {
    sched::ClassId id = 0;
    std::vector<std::uint32_t> have;
    std::vector<std::uint32_t> asked;
    bool ordered = false;
    std::string fault;
    std::set<std::string> remarks;
  };

  Order order_;
  Retire retire_;
  std::map<ClassKey, Entry> entries_;
  std::set<sched::ClassId> retiring_;
  sched::ClassId nextId_ = 1;
};

}  // namespace daris::runtime
