#include "model/error.hpp"

namespace daris::model {

std::string printable(std::string_view name) {
  constexpr std::size_t kMaxShown = 120;
  std::string shown = "'";
  for (const char c : name.substr(0, kMaxShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (name.size() > kMaxShown) shown += "...";
  return shown + "'";
}

}  // namespace daris::model
