#include "asyncio/tasks/run.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/policy.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/run_in_executor.h"

namespace asyncio {
namespace {

// Ctrl-C belongs to the main thread, as in Python.
bool may_take_interrupts() {
  struct sigaction action{};
  return ::gettid() == ::getpid() && ::sigaction(SIGINT, nullptr, &action) == 0 &&
         action.sa_handler == SIG_DFL;
}

// The second one finds the default action, even if the loop never comes to handle the first.
void take_one_interrupt_only() {
  struct sigaction action{};
  ::sigaction(SIGINT, nullptr, &action);
  action.sa_flags |= static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

// Turns the first Ctrl-C into a cancellation of the main task, for as long as it lives. Does
// nothing if it may not.
class InterruptScope {
 public:
  InterruptScope(EventLoop& loop, const AnyTask& task) : loop_(loop) {
    if (!may_take_interrupts()) return;
    try {
      loop.add_signal_handler(SIGINT, [interrupted = interrupted_, &loop, task] {
        *interrupted = true;
        loop.remove_signal_handler(SIGINT);
        task.cancel();
      });
      take_one_interrupt_only();
    } catch (const std::exception&) {
      // Another loop was faster, or this one takes no signals.
    }
  }

  // Leaves alone a handler that the main task has put in the place of ours.
  ~InterruptScope() {
    if (interrupted_.use_count() > 1) loop_.remove_signal_handler(SIGINT);
  }

  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool interrupted() const noexcept { return *interrupted_; }

 private:
  EventLoop& loop_;
  std::shared_ptr<bool> interrupted_ = std::make_shared<bool>(false);  // shared with the handler
};

void close_quietly(Runner& runner) noexcept {
  try {
    runner.close();
  } catch (...) {
    log(LogSeverity::kError, "closing the Runner failed; its loop is closed");
  }
}

}  // namespace

namespace internal {

void check_can_run(const EventLoop& loop) {
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  if (loop.is_running()) throw std::runtime_error("This event loop is already running");
  if (running_loop_or_null() != nullptr) {
    throw std::runtime_error("Cannot run the event loop while another loop is running");
  }
}

void check_not_in_loop(std::string_view function) {
  if (running_loop_or_null() != nullptr) {
    throw std::runtime_error(absl::StrCat(function, " cannot be called from a running event loop"));
  }
}

// A future that ends with a FatalError has ended the loop by itself: a stop then would end its next
// run.
void run_until_done(EventLoop& loop, const AnyFuture& future) {
  check_can_run(loop);
  if (&future.get_loop() != &loop) {
    throw std::invalid_argument(
        "The future belongs to a different loop than the one specified as the loop argument");
  }
  const auto stop = future.add_done_callback([&loop](const AnyFuture& done) {
    if (done.cancelled() || !is_fatal(done.exception())) loop.stop();
  });
  absl::Cleanup forget = [&] { future.remove_done_callback(stop); };
  try {
    loop.run_forever();
  } catch (...) {
    if (future.done()) future.state().mark_retrieved();
    throw;
  }
  if (!future.done()) throw std::runtime_error("Event loop stopped before Future completed.");
}

void drive(EventLoop& loop, const AnyTask& task) {
  InterruptScope scope(loop, task);
  run_until_done(loop, task);
  if (scope.interrupted() && task.cancelled() && task.uncancel() == 0) throw KeyboardInterrupt();
}

void close_after(Runner& runner, const std::exception_ptr& failure) {
  if (failure == nullptr) {
    runner.close();
  } else {
    close_quietly(runner);
  }
}

}  // namespace internal

Runner::~Runner() { close_quietly(*this); }

EventLoop& Runner::get_loop() {
  if (closed_) throw std::runtime_error("Runner is closed");
  if (loop_ == nullptr) {
    loop_ = options_.loop_factory != nullptr ? options_.loop_factory() : new_event_loop();
    if (options_.debug.has_value()) loop_->set_debug(*options_.debug);
  }
  return *loop_;
}

// The loop is closed even if the rest fails.
void Runner::close() {
  if (loop_ != nullptr && loop_->is_running()) {
    throw std::runtime_error("Cannot close a running event loop");
  }
  if (loop_ == nullptr) return;
  closed_ = true;
  const std::unique_ptr<EventLoop> loop = std::move(loop_);
  absl::Cleanup close_loop = [&] { loop->close(); };
  cancel_all_tasks(*loop);
  end_default_executor(*loop);
}

const Context& Runner::context() {
  if (!context_.has_value()) context_ = copy_context();
  return *context_;
}

void Runner::end_default_executor(EventLoop& loop) {
  constexpr auto kLongestWait = std::chrono::minutes(5);
  const Future<> ended = shutdown_default_executor(loop, kLongestWait);
  if (!ended.done()) internal::run_until_done(loop, ended);
}

void Runner::cancel_all_tasks(EventLoop& loop) {
  const std::vector<AnyTask> tasks = all_tasks(loop);
  std::size_t left = tasks.size();
  if (left == 0) return;
  const Future<> all_ended(loop);
  for (const AnyTask& task : tasks) {
    task.cancel();
    task.add_done_callback([&, all_ended](const AnyFuture&) {
      if (--left == 0) all_ended.set_result();
    });
  }
  internal::run_until_done(loop, all_ended);
  for (const AnyTask& task : tasks) {
    if (task.cancelled() || task.exception() == nullptr) continue;
    task.core().report_in_context({.message = "unhandled exception during asyncio.run() shutdown",
                                   .exception = task.exception(),
                                   .details = {{"task", task.state().describe()}}});
  }
}

}  // namespace asyncio
