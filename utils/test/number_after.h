// A coroutine that gives a value after a while.
#ifndef ASYNCIO_UTILS_TEST_NUMBER_AFTER_H_
#define ASYNCIO_UTILS_TEST_NUMBER_AFTER_H_

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"

namespace asyncio {

inline Coro<int> number_after(int value, Duration delay) {
  co_await sleep(delay);
  co_return value;
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_TEST_NUMBER_AFTER_H_
