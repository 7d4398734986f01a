#include "asyncio/events/virtual_time_loop.h"

#include <algorithm>
#include <chrono>

namespace asyncio {

void VirtualTimeLoop::wait(std::optional<Duration> limit) {
  const bool can_jump = !timers().empty() && timers().next_deadline() != TimePoint::max();
  if (!can_jump) return SelectorEventLoop::wait(limit);
  SelectorEventLoop::wait(Duration(std::chrono::nanoseconds(0)));
  if (!anything_due() && !stopping()) now_ = std::max(now_, timers().next_deadline());
}

}  // namespace asyncio
