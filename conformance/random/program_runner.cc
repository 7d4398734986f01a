// Runs random programs, one a line of standard input, and traces them. Its twin is interpreter.py.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "conformance/trace.h"

namespace asyncio::conformance {
namespace {

using std::chrono::seconds;

constexpr int kMostInvocations = 40;
constexpr int kHelps[] = {8, 28};
constexpr int kRescues[] = {20, 40, 60};
constexpr int kEnd = 80;

// Steps that do not wait; that they failed is told and does no harm.
const std::unordered_set<std::string_view> kTried = {
    "set_result", "set_exception", "reschedule", "start",          "put_nowait", "get_nowait",
    "task_done",  "shutdown",      "release",    "release_permit", "notify",
};

// "(sleep 1)" is a word with one part, which is a word without parts.
struct Step {
  std::string word;
  std::vector<Step> parts;

  int number() const { return std::stoi(word); }
  int number(std::size_t index) const { return parts.at(index).number(); }
  const std::string& text(std::size_t index) const { return parts.at(index).word; }
};

// Takes one from the front of `text`.
Step parse(std::string_view& text) {
  const bool nested = text.front() == '(';
  if (nested) text.remove_prefix(1);
  const std::size_t length = std::min(text.find_first_of(" )"), text.size());
  Step step{std::string(text.substr(0, length)), {}};
  text.remove_prefix(length);
  if (!nested) return step;
  while (text.front() == ' ') {
    text.remove_prefix(1);
    step.parts.push_back(parse(text));
  }
  text.remove_prefix(1);
  return step;
}

std::optional<Duration> ticks(const Step& step) {
  if (step.word == "none") return std::nullopt;
  return seconds(step.number());
}

std::optional<std::string> message(const Step& step) {
  if (step.word == "none") return std::nullopt;
  return step.word;
}

std::exception_ptr error_named(const std::string& name) {
  if (name == "cancelled") return std::make_exception_ptr(CancelledError());
  if (name == "runtime") return std::make_exception_ptr(std::runtime_error("broken"));
  return std::make_exception_ptr(std::invalid_argument("boom"));
}

bool is_cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return true;
  } catch (...) {
    return false;
  }
}

bool is_exception(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Traces when its clock jumps.
class TickLoop final : public TraceLoop {
 protected:
  void wait(std::optional<Duration> limit) override {
    const TimePoint before = time();
    TraceLoop::wait(limit);
    if (time() != before) trace("tick");
  }
};

// What the coroutines of a program share.
struct World {
  explicit World(const Step& program) {
    for (const Step& part : program.parts) {
      if (part.word == "coroutine") coroutines.push_back(&part);
    }
    tasks.resize(coroutines.size());
  }

  void forget_tasks() {
    tasks.clear();
    started.clear();
    futures.clear();
  }

  std::vector<const Step*> coroutines;
  std::vector<std::optional<Future<int>>> tasks;  // the last of each coroutine
  std::vector<AnyTask> started;
  std::vector<std::optional<Future<int>>> futures;
  int invocations = 0;

  Queue<int> unbounded;
  Queue<int> narrow{1};
  Queue<int> wide{2};
  Queue<int>* queues[3] = {&unbounded, &narrow, &wide};
  Lock locks[2];
  Semaphore semaphores[2] = {Semaphore(1), Semaphore(2)};
  Event events[2];
  Condition conditions[1];
  Barrier barriers[1] = {Barrier(2)};
};

// One run of one coroutine.
class Invocation {
 public:
  Invocation(World& world, int coroutine)
      : world_(world),
        coroutine_(coroutine),
        name_(absl::StrCat("c", coroutine, "#", ++world.invocations)) {
    const AnyTask self = *current_task();
    if (std::ranges::find(world.started, self) == world.started.end())
      world.started.push_back(self);
  }
  Invocation(const Invocation&) = delete;
  Invocation& operator=(const Invocation&) = delete;

  Coro<int> run();

 private:
  using Run = Coro<std::string> (Invocation::*)(const Step&);
  static const std::unordered_map<std::string, Run>& steps();

  Coro<> block(const Step& body);
  Coro<std::string> tried(const Step& step);

  // The future of (task 1), (call 1) or (future 0); a task may not be there yet.
  std::optional<Future<int>> future_of(const Step& item);
  std::vector<Future<int>> futures_of(const Step& step, std::size_t first);

  Queue<int>& queue(const Step& step) { return *world_.queues[step.number(0)]; }
  Lock& lock(const Step& step) { return world_.locks[step.number(0)]; }
  Semaphore& semaphore(const Step& step) { return world_.semaphores[step.number(0)]; }
  Event& event(const Step& step) { return world_.events[step.number(0)]; }
  Condition& condition(const Step& step) { return world_.conditions[step.number(0)]; }
  Barrier& barrier(const Step& step) { return world_.barriers[step.number(0)]; }

  Coro<std::string> do_sleep(const Step& step);
  Coro<std::string> do_return(const Step& step);
  Coro<std::string> do_raise(const Step& step);
  Coro<std::string> do_try(const Step& step);
  Coro<std::string> do_spawn(const Step& step);
  Coro<std::string> do_await(const Step& step);
  Coro<std::string> do_cancel(const Step& step);
  Coro<std::string> do_cancelling(const Step& step);
  Coro<std::string> do_uncancel(const Step& step);
  Coro<std::string> do_call_soon(const Step& step);

  Coro<std::string> do_set_result(const Step& step);
  Coro<std::string> do_set_exception(const Step& step);
  Coro<std::string> do_cancel_future(const Step& step);

  Coro<std::string> do_gather(const Step& step);
  Coro<std::string> do_wait(const Step& step);
  Coro<std::string> do_as_completed(const Step& step);
  Coro<std::string> do_wait_for(const Step& step);
  Coro<std::string> do_shield(const Step& step);
  Coro<std::string> do_timeout(const Step& step);
  Coro<std::string> do_reschedule(const Step& step);
  Coro<std::string> do_group(const Step& step);
  Coro<std::string> do_start(const Step& step);
  Coro<std::string> do_cancel_group(const Step& step);

  Coro<std::string> do_put(const Step& step);
  Coro<std::string> do_get(const Step& step);
  Coro<std::string> do_put_nowait(const Step& step);
  Coro<std::string> do_get_nowait(const Step& step);
  Coro<std::string> do_task_done(const Step& step);
  Coro<std::string> do_join(const Step& step);
  Coro<std::string> do_shutdown(const Step& step);
  Coro<std::string> do_locked(const Step& step);
  Coro<std::string> do_acquire(const Step& step);
  Coro<std::string> do_release(const Step& step);
  Coro<std::string> do_permitted(const Step& step);
  Coro<std::string> do_acquire_permit(const Step& step);
  Coro<std::string> do_release_permit(const Step& step);
  Coro<std::string> do_wait_event(const Step& step);
  Coro<std::string> do_set_event(const Step& step);
  Coro<std::string> do_clear_event(const Step& step);
  Coro<std::string> do_condition(const Step& step);
  Coro<std::string> do_wait_condition(const Step& step);
  Coro<std::string> do_notify(const Step& step);
  Coro<std::string> do_barrier(const Step& step);
  Coro<std::string> do_reset_barrier(const Step& step);
  Coro<std::string> do_abort_barrier(const Step& step);

  World& world_;
  const int coroutine_;
  const std::string name_;
  std::optional<int> returned_;
  std::vector<TaskGroup*> groups_;  // those it is in
  std::vector<Timeout*> timeouts_;
};

Coro<int> invoke(World* world, int coroutine) {
  Invocation invocation(*world, coroutine);
  co_return co_await invocation.run();
}

Coro<int> Invocation::run() {
  if (world_.invocations > kMostInvocations) co_return -1;
  try {
    co_await block(*world_.coroutines[coroutine_]);
  } catch (...) {
    trace(name_, "raises", std::current_exception());
    throw;
  }
  trace(name_, "returns", returned_);
  co_return returned_.value_or(0);
}

Coro<> Invocation::block(const Step& body) {
  for (const Step& step : body.parts) {
    std::string gave;
    if (kTried.contains(step.word)) {
      gave = co_await tried(step);
    } else {
      gave = co_await (this->*steps().at(step.word))(step);
    }
    trace(name_, step.word, gave);
    if (returned_.has_value()) break;
  }
}

Coro<std::string> Invocation::tried(const Step& step) {
  try {
    co_return co_await (this->*steps().at(step.word))(step);
  } catch (const std::exception&) {
    co_return said(std::current_exception());
  }
}

std::optional<Future<int>> Invocation::future_of(const Step& item) {
  const int index = item.number(0);
  if (item.word == "task") return world_.tasks[index];
  if (item.word == "future") return world_.futures[index];
  return create_task(invoke(&world_, index));
}

std::vector<Future<int>> Invocation::futures_of(const Step& step, std::size_t first) {
  std::vector<Future<int>> futures;
  for (std::size_t i = first; i < step.parts.size(); ++i) {
    if (std::optional<Future<int>> future = future_of(step.parts[i]); future.has_value())
      futures.push_back(*future);
  }
  return futures;
}

Coro<std::string> Invocation::do_sleep(const Step& step) {
  co_await sleep(seconds(step.number(0)));
  co_return "";
}

Coro<std::string> Invocation::do_return(const Step& step) {
  returned_ = step.number(0);
  co_return "";
}

Coro<std::string> Invocation::do_raise(const Step& step) {
  std::rethrow_exception(error_named(step.text(0)));
  co_return "";
}

Coro<std::string> Invocation::do_try(const Step& step) {
  const std::string& kind = step.text(0);
  std::exception_ptr error;
  try {
    co_await block(step.parts[1]);
  } catch (...) {
    error = std::current_exception();
  }
  if (error == nullptr && kind != "finally") co_return "";
  if (error != nullptr) {
    const bool applies = kind == "finally" || (kind == "except_exception" ? is_exception(error)
                                                                          : is_cancellation(error));
    if (!applies) std::rethrow_exception(error);
    trace(name_, kind, error);
  }
  co_await block(step.parts[2]);
  if (error != nullptr && (kind == "finally" || kind == "clean_up")) std::rethrow_exception(error);
  co_return "";
}

Coro<std::string> Invocation::do_spawn(const Step& step) {
  const int index = step.number(0);
  world_.tasks[index] = create_task(invoke(&world_, index));
  co_return "";
}

Coro<std::string> Invocation::do_await(const Step& step) {
  const Step& item = step.parts[0];
  int value;
  if (item.word == "call") {
    value = co_await invoke(&world_, item.number(0));
  } else {
    const std::optional<Future<int>> future = future_of(item);
    if (!future.has_value()) co_return "nothing";
    value = co_await *future;
  }
  co_return said(value);
}

Coro<std::string> Invocation::do_cancel(const Step& step) {
  std::optional<Future<int>>& task = world_.tasks[step.number(0)];
  if (!task.has_value()) co_return "nothing";
  co_return said(task->cancel(message(step.parts[1])));
}

Coro<std::string> Invocation::do_cancelling(const Step&) {
  co_return said(current_task()->cancelling());
}

Coro<std::string> Invocation::do_uncancel(const Step&) {
  co_return said(current_task()->uncancel());
}

Coro<std::string> Invocation::do_call_soon(const Step&) {
  get_running_loop().call_soon([name = name_] { trace(name, "called soon"); });
  co_return "";
}

Coro<std::string> Invocation::do_set_result(const Step& step) {
  world_.futures[step.number(0)]->set_result(step.number(1));
  co_return "";
}

Coro<std::string> Invocation::do_set_exception(const Step& step) {
  world_.futures[step.number(0)]->set_exception(error_named(step.text(1)));
  co_return "";
}

Coro<std::string> Invocation::do_cancel_future(const Step& step) {
  co_return said(world_.futures[step.number(0)]->cancel(message(step.parts[1])));
}

Coro<std::string> Invocation::do_gather(const Step& step) {
  const std::vector<Future<int>> futures = futures_of(step, 1);
  if (step.text(0) == "outcomes") {
    const std::vector<Outcome<int>> outcomes = co_await gather(return_exceptions, futures);
    co_return said(outcomes);
  }
  const std::vector<int> values = co_await gather(futures);
  co_return said(values);
}

// At the exceptions, so that none is reported: which of them CPython's wait() looks at is
// undefined.
void look_at(const std::vector<Future<int>>& futures) {
  for (const Future<int>& future : futures) {
    if (future.done() && !future.cancelled()) future.exception();
  }
}

Coro<std::string> Invocation::do_wait(const Step& step) {
  const std::vector<Future<int>> futures = futures_of(step, 2);
  if (futures.empty()) co_return "nothing";
  WaitOptions options{.timeout = ticks(step.parts[1])};
  if (step.text(0) == "first_completed") options.return_when = kFirstCompleted;
  if (step.text(0) == "first_exception") options.return_when = kFirstException;
  const absl::Cleanup look = [&] { look_at(futures); };
  const Waited<Future<int>> waited = co_await wait(futures, options);
  std::vector<std::string> words;
  for (const Future<int>& future : futures)
    words.push_back(std::ranges::count(waited.done, future) == 1 ? "done" : "pending");
  co_return said_list(words);
}

Coro<std::string> Invocation::do_as_completed(const Step& step) {
  const std::vector<Future<int>> futures = futures_of(step, 1);
  auto arriving = as_completed(futures, ticks(step.parts[0]));
  while (true) {
    const std::optional<Future<int>> next = co_await arriving.next();
    if (!next.has_value()) break;
    trace(name_, "arrived");
  }
  co_return "";
}

Coro<std::string> Invocation::do_wait_for(const Step& step) {
  const std::optional<Duration> limit = ticks(step.parts[0]);
  const Step& item = step.parts[1];
  int value;
  if (item.word == "call") {
    value = co_await wait_for(invoke(&world_, item.number(0)), limit);
  } else {
    const std::optional<Future<int>> future = future_of(item);
    if (!future.has_value()) co_return "nothing";
    value = co_await wait_for(*future, limit);
  }
  co_return said(value);
}

Coro<std::string> Invocation::do_shield(const Step& step) {
  const Step& item = step.parts[0];
  int value;
  if (item.word == "call") {
    value = co_await shield(invoke(&world_, item.number(0)));
  } else {
    const std::optional<Future<int>> future = future_of(item);
    if (!future.has_value()) co_return "nothing";
    value = co_await shield(*future);
  }
  co_return said(value);
}

Coro<std::string> Invocation::do_timeout(const Step& step) {
  bool expired = false;
  co_await with(timeout(ticks(step.parts[0])), [&](Timeout& limit) -> Coro<> {
    timeouts_.push_back(&limit);
    const absl::Cleanup leave = [&] {
      expired = limit.expired();
      timeouts_.pop_back();
    };
    co_await block(step.parts[1]);
  });
  co_return said(expired);
}

Coro<std::string> Invocation::do_reschedule(const Step& step) {
  if (timeouts_.empty()) co_return "nothing";
  const std::optional<Duration> delay = ticks(step.parts[0]);
  std::optional<TimePoint> when;
  if (delay.has_value()) when = get_running_loop().deadline(*delay);
  timeouts_.back()->reschedule(when);
  co_return "";
}

Coro<std::string> Invocation::do_group(const Step& step) {
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    groups_.push_back(&group);
    const absl::Cleanup leave = [&] { groups_.pop_back(); };
    co_await block(step.parts[0]);
  });
  co_return "";
}

Coro<std::string> Invocation::do_start(const Step& step) {
  if (groups_.empty()) co_return "nothing";
  const int index = step.number(0);
  world_.tasks[index] = groups_.back()->create_task(invoke(&world_, index));
  co_return "";
}

Coro<std::string> Invocation::do_cancel_group(const Step&) {
  if (groups_.empty()) co_return "nothing";
  groups_.back()->cancel();
  co_return "";
}

Coro<std::string> Invocation::do_put(const Step& step) {
  co_await queue(step).put(step.number(1));
  co_return said(queue(step).qsize());
}

Coro<std::string> Invocation::do_get(const Step& step) {
  const int item = co_await queue(step).get();
  co_return said(item);
}

Coro<std::string> Invocation::do_put_nowait(const Step& step) {
  queue(step).put_nowait(step.number(1));
  co_return said(queue(step).qsize());
}

Coro<std::string> Invocation::do_get_nowait(const Step& step) {
  co_return said(queue(step).get_nowait());
}

Coro<std::string> Invocation::do_task_done(const Step& step) {
  queue(step).task_done();
  co_return "";
}

Coro<std::string> Invocation::do_join(const Step& step) {
  co_await queue(step).join();
  co_return "";
}

Coro<std::string> Invocation::do_shutdown(const Step& step) {
  queue(step).shutdown({.immediate = step.text(1) == "immediately"});
  co_return "";
}

Coro<std::string> Invocation::do_locked(const Step& step) {
  auto held = co_await scoped(lock(step));
  co_await block(step.parts[1]);
  co_return "";
}

Coro<std::string> Invocation::do_acquire(const Step& step) {
  co_await lock(step).acquire();
  co_return "";
}

Coro<std::string> Invocation::do_release(const Step& step) {
  lock(step).release();
  co_return said(lock(step).locked());
}

Coro<std::string> Invocation::do_permitted(const Step& step) {
  auto held = co_await scoped(semaphore(step));
  co_await block(step.parts[1]);
  co_return "";
}

Coro<std::string> Invocation::do_acquire_permit(const Step& step) {
  co_await semaphore(step).acquire();
  co_return "";
}

Coro<std::string> Invocation::do_release_permit(const Step& step) {
  semaphore(step).release();
  co_return said(semaphore(step).locked());
}

Coro<std::string> Invocation::do_wait_event(const Step& step) {
  co_await event(step).wait();
  co_return said(event(step).is_set());
}

Coro<std::string> Invocation::do_set_event(const Step& step) {
  event(step).set();
  co_return "";
}

Coro<std::string> Invocation::do_clear_event(const Step& step) {
  event(step).clear();
  co_return "";
}

Coro<std::string> Invocation::do_condition(const Step& step) {
  auto held = co_await scoped(condition(step));
  co_await block(step.parts[1]);
  co_return "";
}

Coro<std::string> Invocation::do_wait_condition(const Step& step) {
  co_await condition(step).wait();
  co_return "";
}

Coro<std::string> Invocation::do_notify(const Step& step) {
  condition(step).notify(step.number(1));
  co_return "";
}

Coro<std::string> Invocation::do_barrier(const Step& step) {
  const int place = co_await barrier(step).wait();
  co_return said(place);
}

Coro<std::string> Invocation::do_reset_barrier(const Step& step) {
  co_await barrier(step).reset();
  co_return "";
}

Coro<std::string> Invocation::do_abort_barrier(const Step& step) {
  co_await barrier(step).abort();
  co_return "";
}

const std::unordered_map<std::string, Invocation::Run>& Invocation::steps() {
  static const auto* steps = new std::unordered_map<std::string, Run>{
      {"sleep", &Invocation::do_sleep},
      {"return", &Invocation::do_return},
      {"raise", &Invocation::do_raise},
      {"try", &Invocation::do_try},
      {"spawn", &Invocation::do_spawn},
      {"await", &Invocation::do_await},
      {"cancel", &Invocation::do_cancel},
      {"cancelling", &Invocation::do_cancelling},
      {"uncancel", &Invocation::do_uncancel},
      {"call_soon", &Invocation::do_call_soon},
      {"set_result", &Invocation::do_set_result},
      {"set_exception", &Invocation::do_set_exception},
      {"cancel_future", &Invocation::do_cancel_future},
      {"gather", &Invocation::do_gather},
      {"wait", &Invocation::do_wait},
      {"as_completed", &Invocation::do_as_completed},
      {"wait_for", &Invocation::do_wait_for},
      {"shield", &Invocation::do_shield},
      {"timeout", &Invocation::do_timeout},
      {"reschedule", &Invocation::do_reschedule},
      {"group", &Invocation::do_group},
      {"start", &Invocation::do_start},
      {"cancel_group", &Invocation::do_cancel_group},
      {"put", &Invocation::do_put},
      {"get", &Invocation::do_get},
      {"put_nowait", &Invocation::do_put_nowait},
      {"get_nowait", &Invocation::do_get_nowait},
      {"task_done", &Invocation::do_task_done},
      {"join", &Invocation::do_join},
      {"shutdown", &Invocation::do_shutdown},
      {"locked", &Invocation::do_locked},
      {"acquire", &Invocation::do_acquire},
      {"release", &Invocation::do_release},
      {"permitted", &Invocation::do_permitted},
      {"acquire_permit", &Invocation::do_acquire_permit},
      {"release_permit", &Invocation::do_release_permit},
      {"wait_event", &Invocation::do_wait_event},
      {"set_event", &Invocation::do_set_event},
      {"clear_event", &Invocation::do_clear_event},
      {"condition", &Invocation::do_condition},
      {"wait_condition", &Invocation::do_wait_condition},
      {"notify", &Invocation::do_notify},
      {"barrier", &Invocation::do_barrier},
      {"reset_barrier", &Invocation::do_reset_barrier},
      {"abort_barrier", &Invocation::do_abort_barrier},
  };
  return *steps;
}

void cancel_from_outside(World& world, const Step& at) {
  std::optional<Future<int>>& task = world.tasks[at.number(1)];
  trace("cancel", at.number(1), task.has_value() ? said(task->cancel()) : "nothing");
}

// Gives those who wait what they may be waiting for.
void help(World& world) {
  for (std::optional<Future<int>>& future : world.futures) {
    if (!future->done()) future->set_result(0);
  }
  for (Event& event : world.events) event.set();
  for (Queue<int>* queue : world.queues) {
    try {
      queue->put_nowait(0);
    } catch (const std::exception&) {
    }
  }
  for (Lock& lock : world.locks) {
    if (lock.locked()) lock.release();
  }
}

void rescue(World& world) {
  const std::vector<AnyTask> started = world.started;
  for (AnyTask task : started) {
    if (!task.done()) trace("rescue", task.cancel());
  }
}

void run_program(const Step& program) {
  std::vector<std::string> reports;
  World world(program);
  TickLoop loop;
  loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    reports.push_back(absl::StrCat(context.message, " ", said(context.exception)));
  });
  for (int i = 0; i < 2; ++i) world.futures.push_back(create_future<int>(loop));
  world.tasks[0] = create_task(loop, invoke(&world, 0));
  for (const Step& part : program.parts) {
    if (part.word == "at")
      loop.call_later(seconds(part.number(0)), [&] { cancel_from_outside(world, part); });
  }
  for (const int tick : kHelps) loop.call_later(seconds(tick), [&] { help(world); });
  for (const int tick : kRescues) loop.call_later(seconds(tick), [&] { rescue(world); });
  loop.call_later(seconds(kEnd), [&] { loop.stop(); });
  loop.run_forever();
  for (const AnyTask& task : world.started)
    trace(!task.done() ? "pending" : task.cancelled() ? "cancelled" : "done");
  world.forget_tasks();
  std::ranges::sort(reports);
  for (const std::string& report : reports) trace("reported", report);
}

LOOP_SCENARIO(random_programs) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string_view text = line;
    std::cout << "program" << std::endl;
    run_program(parse(text));
  }
}

}  // namespace
}  // namespace asyncio::conformance
