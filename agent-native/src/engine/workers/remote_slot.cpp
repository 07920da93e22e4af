#include "engine/workers/remote_slot.hpp"

#include <algorithm>

#include "engine/refusals.hpp"
#include "engine/workers/team_calls.hpp"

namespace daris::engine::workers {
namespace {

/// Before memory is made for them.
const std::vector<std::uint32_t>& checked(const RemoteModel& model,
                                          const std::vector<std::uint32_t>& batches) {
  for (const std::uint32_t batch : batches) {
    if (std::ranges::find(model.batches(), batch) == model.batches().end())
      refuse_batch(batch, model.batches());
  }
  return batches;
}

}  // namespace

RemoteSlot::RemoteSlot(std::shared_ptr<WorkerTeam> team, std::shared_ptr<const RemoteModel> model,
                       std::uint32_t context, const std::vector<std::uint32_t>& batches)
    : CopyingSlot(model->manifest(), checked(*model, batches)),
      team_(std::move(team)),
      model_(std::move(model)),
      context_(context),
      memory_(slot_bytes(model_->manifest(), largest_batch())),
      layout_(lay_out(memory_.bytes(), model_->manifest(), largest_batch())) {
  const nlohmann::json call{{"call", "createSlot"}, {"model", model_->id()}, {"batches", batches}};
  const nlohmann::json made = call_one(*team_, context_, call, memory_.fd(), {});
  made.at("slot").get_to(word_);
  made.at("memoryBytes").get_to(memory_bytes_);
  made.at("remarks").get_to(remarks_);
  for (std::string& remark : remarks_) remark = "context " + std::to_string(context_) + ": " + remark;
}

RemoteSlot::~RemoteSlot() {
  try {
    (void)call_one(*team_, context_, {{"call", "destroySlot"}, {"slot", word_}}, -1, {});
  } catch (const std::exception&) {
    // A worker that is gone has no slots.
  }
}

const char* RemoteSlot::error() const noexcept {
  layout_.error.back() = '\0';  // whatever the worker wrote, it ends
  return layout_.error.data();
}

}  // namespace daris::engine::workers
