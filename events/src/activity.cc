#include "asyncio/events/activity.h"

#include "absl/strings/str_cat.h"

namespace asyncio {

void Activity::set_name(std::string_view text) noexcept {
  name[text.copy(name.data(), name.size() - 1)] = '\0';
}

std::string to_string(const Activity& activity) {
  std::string text = absl::StrCat("<", activity.kind);
  const std::string_view name = activity.name.data();
  if (!name.empty()) absl::StrAppend(&text, " '", name, "'");
  if (activity.created.line() != 0) {
    absl::StrAppend(&text, " created at ", to_string(activity.created));
  }
  if (activity.suspended.line() != 0) {
    absl::StrAppend(&text, activity.created.line() != 0 ? "," : "", " suspended at ",
                    to_string(activity.suspended));
  }
  return text + ">";
}

std::string to_string(const std::source_location& place) {
  if (place.line() == 0) return "unknown place";
  return absl::StrCat(place.file_name(), ":", place.line());
}

}  // namespace asyncio
