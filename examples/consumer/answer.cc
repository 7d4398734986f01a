// Coroutines on an event loop, without sockets.

#include <chrono>
#include <cstdio>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"

asyncio::Coro<int> answer() {
  co_await asyncio::sleep(std::chrono::milliseconds(1));
  co_return 42;
}

int main() {
  const int result = asyncio::run(answer());
  std::printf("the answer is %d\n", result);
  return result == 42 ? 0 : 1;
}
