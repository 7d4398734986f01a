#include "asyncio/tasks/borrow_check.h"

#include "absl/strings/str_cat.h"
#include "asyncio/tasks/borrowed_argument_error.h"

namespace asyncio::internal {

void refuse_borrowed(const char* borrowed, std::string_view door) {
  if (borrowed == nullptr) return;
  throw BorrowedArgumentError(absl::StrCat(door, ": the coroutine takes '", spelled_type(borrowed),
                                           "', which may refer to a temporary that is gone before "
                                           "the task runs. Let it take a value, or "
                                           "hand over the callable: ",
                                           door, "(function, arguments...), which owns them."));
}

}  // namespace asyncio::internal
