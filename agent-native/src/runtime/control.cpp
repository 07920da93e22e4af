// Desired state in, models, partition and slots towards it. Tasks: control_tasks.cpp.
#include "runtime/control.hpp"

#include <future>

#include "runtime/compiled_code.hpp"
#include "runtime/desired_diff.hpp"

namespace daris::runtime {

namespace {

constexpr auto kStopCheck = std::chrono::milliseconds(50);

}  // namespace

Control::Control(engine::Engine& engine, const Clock& clock, Dispatcher& dispatcher, Loader& loader,
                 trace::Names& names, ControlOptions options)
    : engine_(engine),
      clock_(clock),
      dispatcher_(dispatcher),
      loader_(loader),
      names_(names),
      options_(std::move(options)),
      factory_(engine, options_.slotMemoryBytes),
      models_([this](std::string digest, std::uint64_t attempt, DurationUs delayUs) {
        orderLoad(std::move(digest), attempt, delayUs);
      }),
      classes_([this](const ClassOrder& order) { orderSlots(order); },
               [this](sched::ClassId id) { dispatcher_.post(RetireClass{id}); }),
      serving_(std::make_shared<const ServingTable>()) {}

void Control::onTransition(std::function<void()> notify) {
  const std::scoped_lock lock(mutex_);
  notify_ = std::move(notify);
}

void Control::apply(DesiredState desired) {
  check(desired);
  const std::scoped_lock lock(mutex_);
  const bool retry = !desired_ || desired.generation != desired_->generation;
  desired_ = std::move(desired);
  ready_ = true;
  if (retry) {
    partitionFault_.clear();
    refusedByScheduler_.clear();
    classes_.forgive();
  }
  static_cast<void>(partitioned());  // dividing the device goes before loads
  models_.want(desired_->models, retry, refusedModels(engine_.device(), *desired_));
  reconcile();
}

void Control::report(device::Report report) {
  const std::scoped_lock lock(mutex_);
  const bool turned = !gpu_ || gpu_->sharing != report.sharing || gpu_->fault != report.fault;
  gpu_ = std::move(report);
  if (!turned) return;
  reconcile();
  if (!desired_ && notify_) notify_();
}

void Control::reconcile() {
  if (!desired_) return;
  if (partitioned()) {
    reconcilePolicy();
    const JoinedClasses wanted = joinedClasses(*desired_, models_.table());
    const JoinedClasses joined = inForce(wanted);
    const auto verdicts = decide(joined);
    reconcileSlots(verdicts, wanted);
    reconcileTasks(verdicts);
    retireFormerClasses();
    dropModels();
    orderMeasurement(joined);  // behind the slots that were just ordered: tasks wait for these
  } else {
    for (const DesiredTask& task : desired_->tasks) {
      tell(task, partitionFault_.empty()
                     ? Verdict{TaskPhase::Loading, "", "", {}}
                     : Verdict{TaskPhase::Refused, "PartitionFailed", partitionFault_, {}});
    }
  }
  forgetUndesired();
  publishServing();
  if (notify_) notify_();
}

// ---- Partition and policy ----

/// Whether the device is divided as wanted. If not, ends what runs and, once all is quiet, has it divided.
bool Control::partitioned() {
  if (partitioning_) return false;
  if (policy_ && policy_->partition == desired_->policy.partition) return true;
  if (!partitionFault_.empty()) return false;
  while (!running_.empty()) end(std::string(running_.begin()->first), true);
  classes_.want(SlotDemand(0, 0), {});
  classes_.retireFormer({});
  if (draining_.empty() && classes_.empty()) startPartitioning();
  return false;
}

void Control::startPartitioning() {
  partitioning_ = true;
  loader_.post([this, policy = desired_->policy](std::stop_token stop) {
    const auto fault = divide(policy, stop);
    if (stop.stop_requested()) return;
    const std::scoped_lock lock(mutex_);
    partitioning_ = false;
    if (fault) {
      partitionFault_ = *fault;
    } else {
      policy_ = policy;
    }
    reconcile();
  });
}

/// Divides the device while the dispatcher stands still; what was wrong, or nothing.
std::optional<std::string> Control::divide(const Policy& policy, std::stop_token stop) {
  const auto entered = std::make_shared<std::promise<void>>();
  const auto silence = entered->get_future();
  std::promise<std::optional<std::string>> divided;
  dispatcher_.post(Repartition{policy.partition, policy.scheduling, engine_.device().units, entered,
                               divided.get_future().share()});
  while (silence.wait_for(kStopCheck) != std::future_status::ready) {
    if (stop.stop_requested()) return std::nullopt;
  }
  std::optional<std::string> fault;
  try {
    engine_.partition(policy.partition);
  } catch (const std::exception& error) {
    fault = error.what();
  }
  divided.set_value(fault);
  if (!fault) {
    const std::scoped_lock lock(mutex_);
    models_.outdated();
  }
  return fault;
}

void Control::reconcilePolicy() {
  if (*policy_ == desired_->policy) return;
  policy_ = desired_->policy;
  dispatcher_.post(ChangePolicy{policy_->scheduling});
}

// ---- Models ----

void Control::orderLoad(std::string digest, std::uint64_t attempt, DurationUs delayUs) {
  loader_.postAfter(delayUs, [this, digest = std::move(digest), attempt](std::stop_token stop) {
    std::optional<ModelRequest> request;
    {
      const std::scoped_lock lock(mutex_);
      request = models_.claim(digest, attempt);
    }
    if (!request) return;
    LoadResult result = loadModel(engine_, options_.modelRoot, *request, stop);
    const std::scoped_lock lock(mutex_);
    models_.loaded(digest, std::move(result));
    reconcile();
  });
}

/// One model at a time, so that other work of the loader waits for one at most.
void Control::orderMeasurement(const JoinedClasses& joined) {
  if (measuring_ || isShared()) return;
  const auto digest = nextToMeasure(*desired_, models_.table(), joined);
  if (!digest) return;
  measuring_ = true;
  loader_.post([this, digest = *digest, model = models_.model(*digest)](std::stop_token stop) {
    const auto progress = [&](std::uint32_t measured, std::uint32_t of) {
      const std::scoped_lock lock(mutex_);
      models_.measuring(digest, measured, of);
      if (notify_) notify_();
    };
    MeasureResult result = measureModel(engine_, model, stop, progress);
    const std::scoped_lock lock(mutex_);
    measuring_ = false;
    if (!isShared()) models_.measured(digest, std::move(result));  // else it is measured anew, alone
    reconcile();
  });
}

void Control::dropModels() {
  std::set<std::string, std::less<>> used;
  for (const auto& [uid, running] : running_) used.insert(running.key.first);
  auto dropped = models_.dropUnused(used);
  if (dropped.empty()) return;
  // Frees compiled stages, which may take a while: not under the lock.
  loader_.post([dropped = std::move(dropped)](std::stop_token) mutable { dropped.clear(); });
}

// ---- Slots ----

/// The capacities that tasks go by: those of the slots that are there, else of those that will be.
JoinedClasses Control::inForce(const JoinedClasses& wanted) const {
  JoinedClasses joined;
  if (!desired_->policy.scheduling.joining) return joined;
  for (const DesiredTask& task : desired_->tasks) {
    const ClassKey key{task.modelDigest, task.batchSize};
    if (const Capacities* has = classes_.capacitiesOf(key)) {
      if (!has->empty()) joined.emplace(key, *has);
    } else if (const auto found = wanted.find(key); found != wanted.end()) {
      joined.emplace(*found);
    }
  }
  return joined;
}

void Control::reconcileSlots(const std::vector<Verdict>& verdicts, const JoinedClasses& wanted) {
  const engine::Partitioning& partition = policy_->partition;
  SlotDemand demand(partition.contexts, partition.streams_per_context);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const DesiredTask& task = desired_->tasks[i];
    if (verdicts[i].phase != TaskPhase::Serving) continue;
    const ClassKey key{task.modelDigest, task.batchSize};
    const auto found = wanted.find(key);
    demand.add(key, task.priority, task.context, found == wanted.end() ? Capacities() : found->second);
  }
  std::set<ClassKey> used;
  for (const auto& [uid, running] : running_) used.insert(running.key);
  classes_.want(demand, used);
}

/// Behind the changes that take tasks over to their successors.
void Control::retireFormerClasses() {
  std::set<sched::ClassId> used;
  for (const auto& [uid, running] : running_) used.insert(running.classId);
  classes_.retireFormer(used);
}

void Control::orderSlots(const ClassOrder& order) {
  const auto& [digest, batch] = order.key;
  SlotOrder slots{models_.model(digest), {batch}, order.have, order.wanted, nullptr};
  for (const sched::Capacity& each : order.capacities)
    if (each.jobs > 1) slots.batches.push_back(batch * each.jobs);
  if (order.first) slots.sample = models_.sample(digest);
  loader_.post([this, order, slots = std::move(slots)](std::stop_token) {
    SlotDelivery delivery = factory_.make(slots);
    SlotPool::Contents unused;
    {
      const std::scoped_lock lock(mutex_);
      unused = take(order, std::move(delivery));
      reconcile();
    }
    factory_.destroy(std::move(unused));  // may take a while: not under the lock
  });
}

/// Hands what an order brought to the dispatcher, or gives back what is of no use.
SlotPool::Contents Control::take(const ClassOrder& order, SlotDelivery delivery) {
  const bool joins = delivery.batches > 1;
  ClassDelivery told{order.id,
                     {},
                     std::vector<std::uint32_t>(order.wanted.size(), 0),
                     std::move(delivery.fault),
                     std::move(delivery.remarks)};
  if (joins)
    told.capacities.assign(order.capacities.begin(),
                           order.capacities.begin() + static_cast<std::ptrdiff_t>(delivery.batches));
  for (const auto& slot : delivery.slots) ++told.slots[slot->context()];
  const Capacities capacities = told.capacities;
  const bool isOfUse = classes_.delivered(order.key, std::move(told));
  if (!isOfUse || delivery.slots.empty()) return {std::move(delivery.slots), std::move(delivery.sample)};
  if (order.first && joins) dispatcher_.post(SetCapacities{order.id, capacities});
  dispatcher_.post(
      AddSlots{order.id, order.key.second, std::move(delivery.slots), std::move(delivery.sample)});
  return {};
}

void Control::handle(ClassRetired&& event) {
  auto contents = std::make_shared<SlotPool::Contents>(std::move(event.contents));
  loader_.post([this, contents](std::stop_token) { factory_.destroy(std::move(*contents)); });
  const std::scoped_lock lock(mutex_);
  classes_.retired(event.classId);
  reconcile();
}

}  // namespace daris::runtime
