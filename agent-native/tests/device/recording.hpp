// What the recorded NVML answers, as a test wants it now.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "packages/package_writer.hpp"

namespace daris::device::test {

class Recording {
 public:
  Recording() { ::setenv("DARIS_RECORDED_NVML", path().c_str(), 1); }
  ~Recording() { ::unsetenv("DARIS_RECORDED_NVML"); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// All at once: who reads sees the former lines or these.
  void say(const std::string& lines) const {
    const std::filesystem::path next = path().string() + ".next";
    std::ofstream(next) << lines;
    std::filesystem::rename(next, path());
  }

 private:
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "nvml"; }

  daris::test::TemporaryFolder folder_;
};

}  // namespace daris::device::test
