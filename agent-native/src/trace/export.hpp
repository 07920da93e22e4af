// One trace on its way out: what the ring held at one instant, as text in pieces of a bounded size.
#pragma once

#include <memory>

#include "trace/names.hpp"
#include "trace/ring.hpp"
#include "trace/writer.hpp"

namespace daris::trace {

enum class Format : std::uint8_t { Chrome, JsonLines };

class Export {
 public:
  Export(Extract extract, Labels labels, Origin origin, Format format);

  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;

  /// Replaces `text` by the next piece, of about `bytes`. False at the end, with nothing in it.
  bool next(std::string& text, std::size_t bytes);

 private:
  enum class Step : std::uint8_t { Begin, Records, Done };

  Extract extract_;
  Labels labels_;
  std::unique_ptr<Writer> writer_;  // refers to both
  std::size_t position_ = 0;
  Step step_ = Step::Begin;
};

}  // namespace daris::trace
