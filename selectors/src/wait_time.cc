#include "selectors/src/wait_time.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace asyncio {

int to_milliseconds(Duration timeout) noexcept {
  if (timeout.is_infinite()) return -1;
  constexpr std::chrono::milliseconds kLongest(std::numeric_limits<int>::max());
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(timeout.nanoseconds());
  return static_cast<int>(std::min(rounded_up, kLongest).count());
}

timespec to_timespec(Duration timeout) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout.nanoseconds());
  timespec result;
  result.tv_sec = seconds.count();
  result.tv_nsec = (timeout.nanoseconds() - seconds).count();
  return result;
}

}  // namespace asyncio
