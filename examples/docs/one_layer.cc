// A program that needs coroutines and time, and no sockets: one layer and those below it.

// [program]
#include <chrono>
#include <cstdio>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"

asyncio::Coro<int> answer() {
  co_await asyncio::sleep(std::chrono::milliseconds(1));
  co_return 42;
}

int main() { std::printf("the answer is %d\n", asyncio::run(answer())); }
// [program]
