#include "asyncio/streams/errors.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace asyncio {
namespace {

std::string describe(std::size_t got, std::optional<std::size_t> expected) {
  return absl::StrCat(got, " bytes read on a total of ",
                      expected.has_value() ? absl::StrCat(*expected) : "undefined",
                      " expected bytes");
}

}  // namespace

IncompleteReadError::IncompleteReadError(std::string partial, std::optional<std::size_t> expected)
    : std::runtime_error(describe(partial.size(), expected)),
      partial_(std::move(partial)),
      expected_(expected) {}

}  // namespace asyncio
