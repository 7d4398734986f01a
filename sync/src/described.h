// How locks, queues and barriers name themselves: state and who waits.
#ifndef SYNC_SRC_DESCRIBED_H_
#define SYNC_SRC_DESCRIBED_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace asyncio {

// "<asyncio::Lock [locked, waiters:2]>"; without waiters, "<asyncio::Lock [locked]>".
inline std::string described(std::string_view name, std::string_view state, std::size_t waiters) {
  if (waiters == 0) return absl::StrCat("<asyncio::", name, " [", state, "]>");
  return absl::StrCat("<asyncio::", name, " [", state, ", waiters:", waiters, "]>");
}

}  // namespace asyncio

#endif  // SYNC_SRC_DESCRIBED_H_
