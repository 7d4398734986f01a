// Interest and readiness in the words of poll(2), which /dev/poll shares.

#ifndef ASYNCIO_SELECTORS_POLL_EVENTS_H_
#define ASYNCIO_SELECTORS_POLL_EVENTS_H_

#include <poll.h>

#include "asyncio/selectors/selector_map.h"

namespace asyncio {

inline short to_poll(EventMask events) noexcept {
  return static_cast<short>((events & kEventRead ? POLLIN : 0) |
                            (events & kEventWrite ? POLLOUT : 0));
}

// Hang-ups and errors are neither of the two bits, so they count as both events.
inline EventMask from_poll(short happened) noexcept {
  EventMask events = 0;
  if (happened & ~POLLIN) events |= kEventWrite;
  if (happened & ~POLLOUT) events |= kEventRead;
  return events;
}

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_POLL_EVENTS_H_
