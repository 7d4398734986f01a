// How the waiting system calls want their time limit.

#ifndef ASYNCIO_SELECTORS_WAIT_TIME_H_
#define ASYNCIO_SELECTORS_WAIT_TIME_H_

#include <time.h>

#include "asyncio/selectors/duration.h"

namespace asyncio {

// For calls that count in milliseconds: rounded up, so that no wait ends early; at most INT_MAX (24
// days); -1 for an infinite one.
int to_milliseconds(Duration timeout) noexcept;

// For calls that count in nanoseconds. An infinite limit is told by a null pointer instead.
// REQUIRES: not negative, not infinite.
timespec to_timespec(Duration timeout) noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_WAIT_TIME_H_
