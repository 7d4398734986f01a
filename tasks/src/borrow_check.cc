#include "asyncio/tasks/borrow_check.h"

#include "absl/strings/str_cat.h"
#include "asyncio/tasks/borrowed_argument_error.h"

namespace asyncio::internal {

// g++ ends the type with ';' when it explains further names, else with ']', as clang does.
std::string_view spelled_type(const char* spelling) noexcept {
  constexpr std::string_view kBefore = "T = ";
  std::string_view text = spelling;
  text.remove_prefix(text.find(kBefore) + kBefore.size());
  return text.substr(0, text.find_last_of(']'));
}

void refuse_borrowed(const char* borrowed, std::string_view door) {
  if (borrowed == nullptr) return;
  throw BorrowedArgumentError(absl::StrCat(
      door, ": the coroutine takes '", spelled_type(borrowed),
      "', which may refer to a temporary that is gone before the task runs. Let it take a value, or "
      "hand over the callable: ",
      door, "(function, arguments...), which owns them."));
}

}  // namespace asyncio::internal
