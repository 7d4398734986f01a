#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "conformance/trace.h"

namespace asyncio::conformance::utils_wait {
namespace {

using std::chrono::seconds;
using Tasks = std::vector<Task<std::string>>;

Coro<std::string> says(std::string words, int delay) {
  co_await sleep(seconds(delay));
  trace(words);
  co_return words;
}

Coro<std::string> fails(std::string words, int delay) {
  co_await sleep(seconds(delay));
  throw std::invalid_argument(words);
}

template <class... Delays>
Tasks tasks_of(Delays... delays) {
  Tasks tasks;
  (tasks.push_back(create_task(says(absl::StrCat("after ", delays), delays))), ...);
  return tasks;
}

template <class F>
void tell(const Waited<F>& waited) {
  trace("done", waited.done.size(), "pending", waited.pending.size());
}

Coro<> cancel(Tasks tasks) {
  for (const auto& task : tasks) task.cancel();
  co_await sleep(seconds(0));
}

// Waits, and tells what came of it.
template <class R>
Coro<> tells(R* futures, WaitOptions options = {}) {
  auto waited = co_await wait(*futures, options);
  tell(waited);
}

SCENARIO(all_are_waited_for) {
  const Tasks tasks = tasks_of(3, 1, 2);
  co_await tells(&tasks);
}

SCENARIO(the_first_may_be_enough) {
  const Tasks tasks = tasks_of(3, 1, 2);
  auto waited = co_await wait(tasks, {.return_when = kFirstCompleted});
  tell(waited);
  co_await cancel(waited.pending);
}

SCENARIO(those_that_are_done_in_the_same_turn_are_all_done) {
  const Tasks tasks = tasks_of(1, 1);
  co_await tells(&tasks, {.return_when = kFirstCompleted});
}

SCENARIO(the_time_may_be_over) {
  const Tasks tasks = tasks_of(1, 3);
  auto waited = co_await wait(tasks, {.timeout = seconds(2)});
  tell(waited);
  co_await tells(&waited.pending);
}

SCENARIO(the_first_exception_may_be_enough) {
  Tasks tasks = tasks_of(1, 3);
  tasks.push_back(create_task(fails("boom", 2)));
  auto result = co_await wait(tasks, {.return_when = kFirstException});
  tell(result);
  co_await waited("failed", tasks[2]);
  co_await cancel(result.pending);
}

SCENARIO(a_cancellation_is_no_exception) {
  Tasks tasks = tasks_of(1, 3);
  get_running_loop().call_later(seconds(2), [task = tasks[1]] { task.cancel(); });
  tasks.push_back(create_task(says("after 4", 4)));
  co_await tells(&tasks, {.return_when = kFirstException});
}

SCENARIO(what_is_done_already) {
  std::vector<Future<>> futures;
  futures.emplace_back().set_result();
  trace("before");
  co_await tells(&futures);
  trace("after");
}

SCENARIO(what_is_done_already_beside_what_is_not) {
  std::vector<Future<>> futures;
  futures.emplace_back().set_result();
  futures.emplace_back();
  co_await tells(&futures, {.return_when = kFirstCompleted});
  trace("after");
}

SCENARIO(a_limit_of_zero) {
  Tasks tasks;
  tasks.push_back(create_task(says("task", 1)));
  co_await tells(&tasks, {.timeout = seconds(0)});
  co_await tasks[0];
}

SCENARIO(cancelling_it_leaves_the_others_alone) {
  const Tasks tasks = tasks_of(3);
  Task<> waiting = create_task(tells(&tasks));
  co_await sleep(seconds(1));
  waiting.cancel("waiting");
  co_await waited("waiting", waiting);
  co_await waited("task", tasks[0]);
}

SCENARIO(there_must_be_something_to_wait_for) {
  const Tasks tasks;
  co_await waited("wait", [&] { return tells(&tasks); });
}

// Calls `got` with each that is done.
template <class R, class F>
Coro<> arrive(R* futures, std::optional<Duration> limit, F got) {
  auto arriving = as_completed(*futures, limit);
  while (auto future = co_await arriving.next()) got(*future);
}

const auto kTell = [](const auto& future) { trace("got", future.result()); };

SCENARIO(as_completed_gives_the_first_first) {
  const Tasks tasks = tasks_of(3, 1, 2);
  co_await arrive(&tasks, std::nullopt, kTell);
}

SCENARIO(as_completed_gives_failures_like_the_rest) {
  Tasks tasks;
  tasks.push_back(create_task(fails("boom", 1)));
  tasks.push_back(create_task(says("fine", 2)));
  co_await arrive(&tasks, std::nullopt, [](const Task<std::string>& task) {
    tried("got", [&] { return task.result(); });
  });
}

SCENARIO(as_completed_may_run_out_of_time) {
  const Tasks tasks = tasks_of(1, 3);
  co_await waited("arrive", [&] { return arrive(&tasks, Duration(seconds(2)), kTell); });
  co_await waited("later", tasks[1]);
}

SCENARIO(as_completed_of_nothing) {
  const Tasks tasks;
  co_await arrive(&tasks, std::nullopt, kTell);
  trace("nothing");
}

}  // namespace
}  // namespace asyncio::conformance::utils_wait
