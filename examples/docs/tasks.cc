// [program]
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "asyncio/futures/errors.h"
#include "asyncio/tasks/async_generator.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_options.h"
#include "asyncio/tasks/with.h"

using asyncio::Coro;
using namespace std::chrono_literals;

asyncio::AsyncGenerator<int> count_down(int from) {
  for (int i = from; i > 0; --i) {
    co_yield i;
    co_await asyncio::sleep(1ms);
  }
}

// A context: with() enters and leaves it.
class LaunchPad {
 public:
  void enter() { std::puts("cleared"); }
  Coro<> exit(std::exception_ptr error) {
    co_await asyncio::sleep(1ms);  // leaving may wait
    std::puts(error == nullptr ? "empty" : "called off");
  }
};

Coro<int> launch(std::string rocket, int from) {
  co_return co_await asyncio::with(LaunchPad(), [&]() -> Coro<int> {
    auto numbers = count_down(from);
    while (std::optional<int> number = co_await numbers.next()) {
      std::printf("%s: %d\n", rocket.c_str(), *number);
    }
    std::printf("%s has left from %s\n", rocket.c_str(),
                asyncio::current_task()->get_name().c_str());
    co_return from;
  });
}

Coro<int> launch_two() {
  auto first = asyncio::create_task(launch("Ariane", 3), {.name = "Kourou"});
  auto second = asyncio::create_task(launch, "Saturn", 1'000'000);  // the task owns its arguments
  const int counted = co_await first;
  second.cancel();
  try {
    co_await second;
  } catch (const asyncio::CancelledError&) {
    std::printf("%d requests to stop\n", second.cancelling());
  }
  co_return counted;
}

int main() { return asyncio::run(launch_two()) == 3 ? 0 : 1; }
// [program]
