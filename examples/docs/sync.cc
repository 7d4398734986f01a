// [program]
#include <chrono>
#include <cstdio>
#include <string>

#include "asyncio/sync/queue.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/sync/semaphore.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"

using asyncio::Coro;
using namespace std::chrono_literals;

Coro<std::string> fetch(std::string page, asyncio::Semaphore* connections) {
  auto held = co_await scoped(*connections);  // two at a time
  co_await asyncio::sleep(1ms);
  co_return page + ", fetched";
}

Coro<int> work(asyncio::Queue<std::string>* pages, asyncio::Semaphore* connections) {
  int done = 0;
  try {
    while (true) {
      const std::string page = co_await pages->get();
      const std::string text = co_await fetch(page, connections);
      std::printf("%s\n", text.c_str());
      pages->task_done();
      ++done;
    }
  } catch (const asyncio::QueueShutDown&) {
    // Everything has been put, and the queue is empty.
  }
  co_return done;
}

Coro<int> crawl() {
  asyncio::Queue<std::string> pages({.maxsize = 3});
  asyncio::Semaphore connections(2);
  auto first = asyncio::create_task(work, &pages, &connections);
  auto second = asyncio::create_task(work, &pages, &connections);
  auto third = asyncio::create_task(work, &pages, &connections);
  for (int number = 0; number < 10; ++number) {
    co_await pages.put("page " + std::to_string(number));  // waits while there are three
  }
  co_await pages.join();
  pages.shutdown();
  co_return co_await first + co_await second + co_await third;
}

int main() { return asyncio::run(crawl()) == 10 ? 0 : 1; }
// [program]
