// [program]
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/futures/wrap_future.h"

using namespace std::chrono_literals;

// What answers by a callback, here a timer's, as a future.
asyncio::Future<std::string> ask(asyncio::EventLoop& loop, std::string question) {
  auto answer = asyncio::create_future<std::string>(loop);
  loop.call_later(1ms, [answer, question = std::move(question)] {
    if (answer.done()) return;  // whoever asked has given up
    if (question.empty()) {
      answer.set_exception(std::invalid_argument("nothing was asked"));
    } else {
      answer.set_result(question + " 42.");
    }
  });
  return answer;
}

void print(const asyncio::Future<std::string>& answer) {
  try {
    std::puts(answer.result().c_str());
  } catch (const asyncio::CancelledError&) {
    std::puts("cancelled");
  } catch (const std::exception& error) {
    std::puts(error.what());
  }
}

int main() {
  const std::unique_ptr<asyncio::EventLoop> loop = asyncio::new_event_loop();

  ask(*loop, "How many?").add_done_callback(print);
  ask(*loop, "").add_done_callback(print);
  const auto given_up = ask(*loop, "Why?");
  given_up.add_done_callback(print);
  given_up.cancel();

  // Work that blocks, on a thread.
  const auto sum =
      asyncio::run_in_executor(*loop, nullptr, [](int a, int b) { return a + b; }, 40, 2);

  // What another thread promises.
  const asyncio::ConcurrentFuture<int> promised;
  std::thread worker([promised] { promised.set_result(7); });
  const auto received = asyncio::wrap_future(promised, *loop);

  sum.add_done_callback([&](const asyncio::Future<int>& done) {
    std::printf("the sum is %d\n", done.result());
    received.add_done_callback([&](const asyncio::Future<int>& also_done) {
      std::printf("the thread says %d\n", also_done.result());
      loop->call_later(10ms, [&] { loop->stop(); });
    });
  });
  loop->run_forever();
  worker.join();
  loop->close();
}
// [program]
