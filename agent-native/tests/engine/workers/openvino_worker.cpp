// A worker that computes on the cores, so that what comes out of workers can be looked at without a GPU.
#include <cstdlib>
#include <string_view>

#include "engine/openvino/openvino_engine.hpp"
#include "engine/stage_runner.hpp"
#include "engine/workers/processes.hpp"
#include "engine/workers/serve.hpp"

int main(int count, char** arguments) {
  using namespace daris;
  std::uint32_t streams = 1;
  for (int i = 1; i < count; ++i) {
    constexpr std::string_view kStreams = "--streams=";
    const std::string_view argument = arguments[i];
    if (argument.starts_with(kStreams)) streams = std::atoi(arguments[i] + kStreams.size());
  }
  const engine::workers::SharedMemory mailbox(UniqueFd(engine::workers::kFirstDescriptor + 1));
  return engine::workers::serve(UniqueFd(engine::workers::kFirstDescriptor), mailbox, streams,
                                [] { return engine::openvino::make_engine({test::usable_core()}); });
}
