#include "trace/export.hpp"

#include "trace/chrome.hpp"
#include "trace/json_lines.hpp"

namespace daris::trace {

Export::Export(Extract extract, Labels labels, Origin origin, Format format)
    : extract_(std::move(extract)), labels_(std::move(labels)) {
  if (format == Format::Chrome) {
    writer_ = std::make_unique<Chrome>(std::move(origin), extract_, labels_);
  } else {
    writer_ = std::make_unique<JsonLines>(std::move(origin), extract_, labels_);
  }
}

bool Export::next(std::string& text, std::size_t bytes) {
  text.clear();
  if (step_ == Step::Done) return false;
  if (step_ == Step::Begin) writer_->begin(text);
  step_ = Step::Records;
  while (position_ < extract_.records.size() && text.size() < bytes)
    writer_->append(text, extract_.records[position_++]);
  if (position_ < extract_.records.size()) return true;
  writer_->finish(text);
  step_ = Step::Done;
  return true;
}

}  // namespace daris::trace
