// The models that are wanted, being loaded, ready or failed. Guarded by its owner's lock.
// Loading → Ready | Failed; a failed one is tried again after a while when it was not found, or on new
// desire. A ready one may be measured. One that is refused is Failed, and never opened.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/model_loading.hpp"
#include "runtime/plan.hpp"

namespace daris::runtime {

class Models {
 public:
  /// Asks for an attempt to load after a delay. When its time has come, claim() says whether it still counts;
  /// what came of it is told by loaded().
  using Load = std::function<void(std::string digest, std::uint64_t attempt, DurationUs delayUs)>;

  explicit Models(Load load) : load_(std::move(load)) {}

  /// Why models must not be loaded, by digest.
  using Refused = std::map<std::string, std::string, std::less<>>;

  /// Starts to load what is new and, if `retry`, what has failed; what could not be measured may be again.
  /// What is refused is not opened, and given up where it was loaded before.
  void want(const std::vector<DesiredModel>& desired, bool retry, const Refused& refused = {});

  /// Forgets what is neither wanted nor among `used` digests, and hands it over to be destroyed elsewhere, as
  /// is what was refused after it was loaded.
  [[nodiscard]] std::vector<std::shared_ptr<const engine::LoadedModel>> dropUnused(
      const std::set<std::string, std::less<>>& used);

  /// What an attempt has to load now; nothing when it is no longer wanted or was overtaken.
  [[nodiscard]] std::optional<ModelRequest> claim(const std::string& digest, std::uint64_t attempt);

  /// What became of a load. A model that nobody wants any more is dropped.
  void loaded(const std::string& digest, LoadResult result);

  /// How far the measuring of a model has come.
  void measuring(const std::string& digest, std::uint32_t measured, std::uint32_t of);

  /// The device was divided anew: no AFETs hold any more until they are measured again.
  void outdated();

  /// What came of measuring a model. Where nothing did, former AFETs stand in, if there are any.
  void measured(const std::string& digest, MeasureResult result);

  [[nodiscard]] const ModelTable& table() const { return table_; }
  [[nodiscard]] std::shared_ptr<const engine::LoadedModel> model(const std::string& digest) const;
  [[nodiscard]] std::shared_ptr<const SampleInputs> sample(const std::string& digest) const;

 private:
  struct Entry {
    std::vector<std::string> uris;
    bool wanted = true;
    bool loading = false;
    bool refused = false;
    std::uint64_t attempt = 0;  // the one that counts
    std::uint32_t failures = 0;
    std::shared_ptr<const engine::LoadedModel> model;
    std::shared_ptr<const SampleInputs> sample;
  };

  void start(const std::string& digest, Entry& entry, DurationUs delayUs);
  void refuse(Entry& entry, ObservedModel& told, const std::string& why);

  Load load_;
  std::uint64_t attempts_ = 0;
  std::map<std::string, Entry, std::less<>> entries_;
  ModelTable table_;  // what of each entry is told outside; the same keys
  std::vector<std::shared_ptr<const engine::LoadedModel>> givenUp_;  // until dropUnused hands them over
};

}  // namespace daris::runtime
