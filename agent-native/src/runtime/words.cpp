#include "runtime/words.hpp"

#include <cmath>
#include <cstdio>

namespace daris::runtime {

namespace {

std::string termsOf(const sched::AdmissionTerms& terms, sched::Priority priority, std::uint32_t streams) {
  const sched::Utilization high = sched::capacityOf(streams) - terms.remaining;
  std::string words = "active " + decimal(terms.active.toDouble()) + " + " + decimal(terms.util.toDouble()) +
                      " >= " + std::to_string(streams);
  if (priority == sched::Priority::Low) words += " - " + decimal(high.toDouble());
  return words;
}

std::string lateness(const sched::AdmissionTerms& terms, TimeUs releaseUs, DurationUs deadlineUs) {
  const auto finish = static_cast<TimeUs>(std::ceil(terms.predicted->toDouble()));
  return "predicted finish after " + duration(finish - releaseUs) + " > deadline " + duration(deadlineUs);
}

}  // namespace

std::string decimal(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  std::string words = text;
  words.erase(words.find_last_not_of('0') + 1);
  if (words.back() == '.') words.pop_back();
  return words;
}

std::string duration(DurationUs us) {
  if (std::abs(us) < 1000) return std::to_string(us) + "us";
  if (std::abs(us) < 1'000'000) return decimal(static_cast<double>(us) / 1e3) + "ms";
  return decimal(static_cast<double>(us) / 1e6) + "s";
}

std::string shapeWords(std::span<const std::int64_t> shape) {
  std::string words = "[";
  for (const std::int64_t size : shape) {
    if (words.size() > 1) words += ",";
    words += std::to_string(size);
  }
  return words + "]";
}

std::string rejection(std::span<const sched::AdmissionTerms> tested, sched::Priority priority,
                      std::uint32_t streams, TimeUs releaseUs, DurationUs deadlineUs) {
  std::string words = "admission:";
  for (const sched::AdmissionTerms& terms : tested) {
    const bool late = terms.fits && terms.predicted;
    words += (words.back() == ':' ? " " : "; ") +
             (late ? lateness(terms, releaseUs, deadlineUs) : termsOf(terms, priority, streams)) +
             " on context " + std::to_string(terms.context.index);
  }
  return words;
}

}  // namespace daris::runtime
