#include "runtime/model_loading.hpp"

#include <algorithm>

namespace daris::runtime {

namespace {

constexpr std::uint32_t kRepetitions = 10;  // of each measurement of AFET

std::shared_ptr<const SampleInputs> sampleOf(const model::Package& package) {
  auto inputs = std::make_shared<SampleInputs>();
  const auto& samples = package.manifest().samples;
  for (const model::Tensor& input : package.manifest().inputs) {
    const auto sample = std::ranges::find(samples, input.name, &model::Sample::input);
    inputs->push_back(sample == samples.end() ? std::vector<std::byte>() : package.read(sample->file));
  }
  return inputs;
}

/// The package from the first URI where it is and is sound: one user's wrong URI must not hide another's.
model::Package open(const std::filesystem::path& modelRoot, const ModelRequest& request, std::string& uri) {
  for (std::size_t i = 0;; ++i) {
    uri = request.uris[i];
    try {
      return model::open_package(modelRoot, uri, request.digest);
    } catch (const model::PackageError&) {
      if (i + 1 == request.uris.size()) throw;
    }
  }
}

LoadResult failed(std::string uri, std::string reason, std::string message) {
  LoadResult result;
  result.uri = std::move(uri);
  result.reason = std::move(reason);
  result.message = std::move(message);
  return result;
}

std::vector<BatchTiming> measureAll(engine::Engine& engine,
                                    const std::shared_ptr<const engine::LoadedModel>& model,
                                    std::stop_token stop, const MeasureProgress& progress) {
  const auto stages = static_cast<std::uint32_t>(model->manifest().stages.size());
  const auto all = stages * static_cast<std::uint32_t>(model->batches().size());
  std::vector<BatchTiming> batches;
  for (const std::uint32_t batch : model->batches()) {
    progress(stages * static_cast<std::uint32_t>(batches.size()), all);
    batches.push_back({batch, engine.measure(model, batch, kRepetitions, stop)});
    for (DurationUs& stageUs : batches.back().stageAfetUs) stageUs = std::max<DurationUs>(stageUs, 1);
  }
  return batches;
}

}  // namespace

LoadResult loadModel(engine::Engine& engine, const std::filesystem::path& modelRoot,
                     const ModelRequest& request, std::stop_token stop) {
  std::string uri;
  std::shared_ptr<const model::Manifest> manifest;
  try {
    const model::Package package = open(modelRoot, request, uri);
    manifest = std::make_shared<const model::Manifest>(package.manifest());
    LoadResult result;
    result.uri = uri;
    result.model = engine.load(package, stop);
    result.sample = sampleOf(package);
    return result;
  } catch (const model::PackageError& error) {
    return failed(uri, error.reason(), error.what());
  } catch (const engine::EngineError& error) {
    // What the package holds is known all the same, as for which engines it was made.
    LoadResult result = failed(uri, error.reason(), error.what());
    result.manifest = std::move(manifest);
    return result;
  } catch (const std::exception& error) {
    return failed(uri, "LoadFailed", error.what());
  }
}

MeasureResult measureModel(engine::Engine& engine, const std::shared_ptr<const engine::LoadedModel>& model,
                           std::stop_token stop, const MeasureProgress& progress) {
  try {
    return {measureAll(engine, model, stop, progress), "", ""};
  } catch (const engine::EngineError& error) {
    return {{}, error.reason(), error.what()};
  } catch (const std::exception& error) {
    return {{}, "MeasureFailed", error.what()};
  }
}

}  // namespace daris::runtime
