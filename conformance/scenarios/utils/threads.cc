#include <chrono>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "conformance/trace.h"

namespace asyncio::conformance::utils_threads {
namespace {

using std::chrono::seconds;

// The main task of a loop that counts no turns: when a thread is ready is its own affair.
#define THREADS_SCENARIO(name)                   \
  Coro<> main_of_##name();                       \
  LOOP_SCENARIO(name) { run(main_of_##name()); } \
  Coro<> main_of_##name()

using Signal = std::binary_semaphore;  // Python's threading.Event, for one that waits

const ContextVar<std::string>& variable() {
  static const auto* variable = new ContextVar<std::string>("variable", "unset");
  return *variable;
}

int fails() { throw std::invalid_argument("boom"); }

THREADS_SCENARIO(to_thread_gives_the_result_or_the_exception) {
  co_await waited("result", [] { return to_thread([](int number) { return number + 1; }, 1); });
  co_await waited("exception", [] { return to_thread(fails); });
}

std::string look() {
  std::string seen = variable().get();
  variable().set("thread");
  return seen;
}

THREADS_SCENARIO(to_thread_runs_in_a_copy_of_the_context) {
  variable().set("task");
  co_await waited("thread", [] { return to_thread(look); });
  trace("task", variable().get());
}

THREADS_SCENARIO(a_pool_of_one_does_its_jobs_in_order) {
  std::vector<int> done;
  ThreadPool pool(1);
  std::vector<Future<>> jobs;
  for (int number = 0; number < 3; ++number) {
    auto job = [&done, number] { done.push_back(number); };
    jobs.push_back(run_in_executor(&pool, job));
  }
  co_await jobs[2];
  trace(done, std::vector<bool>{jobs[0].done(), jobs[1].done(), jobs[2].done()});
}

THREADS_SCENARIO(a_job_that_is_cancelled_before_it_begins_never_runs) {
  Signal goes_on(0);
  {
    ThreadPool pool(1);
    Future<> first = run_in_executor(&pool, [&] { goes_on.acquire(); });
    Future<> second = run_in_executor(&pool, [] { trace("never"); });
    trace("cancel()", second.cancel());
    co_await waited("second", second);
    co_await sleep(seconds(0));  // the pool is told next turn
    goes_on.release();
    co_await first;
  }
  trace("end");
}

THREADS_SCENARIO(a_cancelled_task_does_not_wait_for_its_thread) {
  Signal goes_on(0);
  auto waits = [&]() -> Coro<> { co_await to_thread([&goes_on] { goes_on.acquire(); }); };
  Task<> task = create_task(waited("to_thread", waits));
  co_await sleep(seconds(0));
  trace("cancel()", task.cancel());
  co_await task;
  goes_on.release();
  co_await shutdown_default_executor(get_running_loop());
}

THREADS_SCENARIO(an_executor_that_was_shut_down_refuses) {
  co_await shutdown_default_executor(get_running_loop());
  co_await waited("to_thread", [] { return to_thread(fails); });
}

Coro<std::string> answers(std::string question) {
  trace("asked", question);
  co_await sleep(seconds(0));
  if (question == "why") throw std::invalid_argument("no reason");
  co_return "42";
}

THREADS_SCENARIO(a_thread_gets_the_result_of_a_coroutine_or_its_exception) {
  EventLoop* const loop = &get_running_loop();
  auto asks = [loop](std::string question) {
    return run_coroutine_threadsafe(answers(question), *loop).result();
  };
  co_await waited("what", [&] { return to_thread(asks, std::string("what")); });
  co_await waited("why", [&] { return to_thread(asks, std::string("why")); });
}

THREADS_SCENARIO(a_thread_may_cancel_what_it_asked_for) {
  Signal begun(0);
  Signal ended(0);
  auto sleeps = [&]() -> Coro<> {
    const absl::Cleanup tell = [&] { ended.release(); };
    begun.release();
    Event never;
    try {
      co_await never.wait();
    } catch (const CancelledError&) {
      trace("cancelled");
      throw;
    }
  };
  EventLoop* const loop = &get_running_loop();
  auto asks = [&, loop] {
    const auto future = run_coroutine_threadsafe(*loop, sleeps);
    begun.acquire();
    const bool cancelled = future.cancel();
    ended.acquire();
    return cancelled;
  };
  co_await waited("thread", [&] { return to_thread(asks); });
}

}  // namespace
}  // namespace asyncio::conformance::utils_threads
