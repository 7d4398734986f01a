#include "asyncio/transports/flow_control.h"

#include <limits>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace asyncio {
namespace {

std::size_t four_times(std::size_t low) {
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  return low > kMax / 4 ? kMax : low * 4;
}

}  // namespace

WriteBufferLimits make_write_buffer_limits(std::optional<std::size_t> high,
                                           std::optional<std::size_t> low) {
  WriteBufferLimits limits;
  if (high.has_value() || low.has_value()) {
    limits.high = high.has_value() ? *high : four_times(*low);
    limits.low = low.has_value() ? *low : limits.high / 4;
  }
  if (limits.high >= limits.low) return limits;
  throw std::invalid_argument(
      absl::StrCat("high (", limits.high, ") must be >= low (", limits.low, ") must be >= 0"));
}

}  // namespace asyncio
