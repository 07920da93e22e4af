// The slots that tasks need, class by class (a model at a batch size), and what has been made of them.
// Guarded by its owner's lock.
//
// The capacities of a class never change while it has tasks, so that a class whose jobs shall go together
// otherwise has a successor: its slots are made beside those of the former, tasks go over to it, and the
// former is retired.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/capacities.hpp"
#include "sched/types.hpp"

namespace daris::runtime {

/// How many jobs of each class may be in each context at once: a high-priority task in its own, a
/// low-priority one in any, since it may migrate.
class SlotDemand {
 public:
  struct Class {
    std::vector<std::uint32_t> jobs;  // by context
    Capacities capacities;
  };

  /// `streams` of each context: units of a class that joins need no more slots than that.
  SlotDemand(std::uint32_t contexts, std::uint32_t streams) : contexts_(contexts), streams_(streams) {}
  void add(const ClassKey& key, sched::Priority priority, std::uint32_t context,
           const Capacities& capacities);
  [[nodiscard]] const std::map<ClassKey, Class>& byClass() const { return wanted_; }
  /// By context, where its slots have these capacities.
  [[nodiscard]] std::vector<std::uint32_t> slotsOf(const Class& wanted, const Capacities& capacities) const;

 private:
  std::uint32_t contexts_;
  std::uint32_t streams_;
  std::map<ClassKey, Class> wanted_;
};

/// Slots to be made of a class.
struct ClassOrder {
  ClassKey key;
  sched::ClassId id = 0;
  bool first = true;                  // of this id; it may come with less than all capacities
  Capacities capacities;              // of each slot; empty: one job
  std::vector<std::uint32_t> have;    // by context
  std::vector<std::uint32_t> wanted;  // by context
};

/// What came of an order.
struct ClassDelivery {
  sched::ClassId id = 0;
  Capacities capacities;             // of each slot; fewer than ordered where memory does not suffice
  std::vector<std::uint32_t> slots;  // by context
  std::string fault;                 // why a context that wants slots has none
  std::set<std::string> remarks;     // what people should know of the slots
};

class Classes {
 public:
  using Order = std::function<void(const ClassOrder&)>;
  using Retire = std::function<void(sched::ClassId)>;

  Classes(Order order, Retire retire) : order_(std::move(order)), retire_(std::move(retire)) {}

  /// Orders what is missing and retires classes that are neither in demand nor among `used`.
  void want(const SlotDemand& demand, const std::set<ClassKey>& used);

  /// What an order brought. Whether the slots are of use: those of a successor that cannot be had, or is not
  /// wanted any more, are not.
  [[nodiscard]] bool delivered(const ClassKey& key, ClassDelivery delivery);
  /// Retires the classes that have a successor and are not among `used`.
  void retireFormer(const std::set<sched::ClassId>& used);
  /// Its slots are gone. What had less than all capacities beside them may have a successor in turn.
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
  [[nodiscard]] sched::ClassId idOf(const ClassKey& key) const {
    return entries_.find(key)->second.current.id;
  }
  /// What its slots have; null: none were made yet.
  [[nodiscard]] const Capacities* capacitiesOf(const ClassKey& key) const;
  /// Of ids that tasks can be added to.
  [[nodiscard]] std::map<sched::ClassId, ClassKey> keys() const;
  [[nodiscard]] bool empty() const { return entries_.empty() && former_.empty() && retiring_.empty(); }

 private:
  /// The slots of one id.
  struct Slots {
    sched::ClassId id = 0;
    sched::ClassId former = 0;  // whose memory was taken too while these were made
    Capacities wanted;          // when they were first ordered
    Capacities capacities;      // that they have
    std::vector<std::uint32_t> have;
    std::vector<std::uint32_t> asked;
    bool ordered = false;
  };
  struct Entry {
    Slots current;
    std::optional<Slots> successor;   // being made
    std::optional<Capacities> tried;  // of a successor that could not be had
    std::string unchanged;            // why not
    std::string fault;
    std::set<std::string> remarks;
  };

  [[nodiscard]] Slots begin(const Capacities& capacities, std::size_t contexts);
  void renew(Entry& entry, const Capacities& wanted);
  void orderMissing(const ClassKey& key, Slots& slots, std::vector<std::uint32_t> wanted);
  void retire(sched::ClassId id);
  [[nodiscard]] bool takeSuccessor(const ClassKey& key, Entry& entry, ClassDelivery& delivery);

  Order order_;
  Retire retire_;
  std::map<ClassKey, Entry> entries_;
  std::map<ClassKey, Capacities> demanded_;  // as of the last want()
  std::vector<sched::ClassId> former_;       // have a successor that tasks go over to
  std::set<sched::ClassId> retiring_;
  sched::ClassId nextId_ = 1;
};

}  // namespace daris::runtime
