#include "asyncio/events/event_loop.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <stdexcept>

#include "absl/base/attributes.h"
#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "asyncio/events/exception_text.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"

namespace asyncio {
namespace {

// A selector is never asked to wait longer; later timers simply take several turns.
constexpr std::chrono::nanoseconds kLongestWait = std::chrono::hours(24);

// Timers due within the clock's resolution are due now, or a tiny delay would make the loop spin.
constexpr std::chrono::nanoseconds kClockResolution(1);

ABSL_CONST_INIT absl::Mutex living_mutex(absl::kConstInit);

// Never destroyed: futures of static storage duration may still ask.
std::set<const EventLoop*>& living() ABSL_EXCLUSIVE_LOCKS_REQUIRED(living_mutex) {
  static auto* loops = new std::set<const EventLoop*>();
  return *loops;
}

std::string describe(const ExceptionContext& context) {
  std::string text = context.message;
  auto details = context.details;
  std::ranges::sort(details);
  for (const auto& [key, value] : details) absl::StrAppend(&text, "\n", key, ": ", value);
  if (context.exception != nullptr) {
    absl::StrAppend(&text, "\nexception: ", internal::exception_text(context.exception));
  }
  return text;
}

bool debug_by_environment() {
  const char* value = std::getenv("ASYNCIO_DEBUG");
  return value != nullptr && *value != '\0';
}

}  // namespace

EventLoop::EventLoop(std::source_location created)
    : inbox_(std::make_shared<Inbox>()), debug_(debug_by_environment()), created_(created) {
  absl::MutexLock lock(&living_mutex);
  living().insert(this);
}

EventLoop::~EventLoop() {
  absl::MutexLock lock(&living_mutex);
  living().erase(this);
}

bool EventLoop::is_alive(const EventLoop* loop) noexcept {
  absl::MutexLock lock(&living_mutex);
  return living().contains(loop);
}

void EventLoop::run_forever() {
  begin_run();
  const absl::Cleanup end = [this] { end_run(); };
  do {
    if (idle_observer_ != nullptr && idles()) idle_observer_->loop_idles();
    run_once(wait_limit());
  } while (!stopping_);
}

// The loop is the running one, in this thread, until end_run().
void EventLoop::begin_run() {
  check_open();
  if (is_running()) throw std::runtime_error("This event loop is already running");
  if (running_loop_or_null() != nullptr) {
    throw std::runtime_error("Cannot run the event loop while another loop is running");
  }
  set_running_loop(this);
  running_ = true;
}

void EventLoop::end_run() noexcept {
  stopping_ = false;
  running_ = false;
  set_running_loop(nullptr);
}

// Per-loop objects go first, while the loop still works: what they destroy may remove readers, or
// schedule callbacks, which are then dropped with the rest.
void EventLoop::close() {
  if (is_running()) throw std::runtime_error("Cannot close a running event loop");
  if (is_closed()) return;
  locals_.clear();
  closed_ = true;
  drop_scheduled();
  release();
}

void EventLoop::close_forgotten() noexcept {
  if (is_closed()) return;
  if (debug_)
    log(LogSeverity::kWarning,
        absl::StrCat("unclosed event loop, created at ", to_string(created_)));
  close();
}

void EventLoop::drop_scheduled() noexcept {
  inbox_->close(ready_);
  while (Runnable* action = timers_.pop_any()) ready_.push_back(*action);
  while (!ready_.empty()) ready_.pop_front().abandon();
}

void EventLoop::check_open() const {
  if (is_closed()) throw std::runtime_error("Event loop is closed");
}

void EventLoop::check_not_running() const {
  check_open();
  if (is_running()) {
    throw std::runtime_error(
        "Non-thread-safe operation invoked on an event loop other than the current one");
  }
}

inline Handle EventLoop::schedule_soon(Callback&& callback, internal::ContextRef&& context,
                                       std::source_location where) {
  check_call();
  auto* state = new internal::HandleState(*this, std::move(callback), std::move(context), where);
  state->add_reference();
  enqueue(*state);
  return Handle(state);
}

Handle EventLoop::call_soon(Callback callback, std::source_location where) {
  return schedule_soon(std::move(callback), internal::ContextRef::capture(), where);
}

Handle EventLoop::call_soon(Callback callback, const Context& context, std::source_location where) {
  return schedule_soon(std::move(callback), internal::ContextRef(context.ref()), where);
}

ThreadsafeHandle EventLoop::call_soon_threadsafe(Callback callback, std::source_location where) {
  return post(std::move(callback), internal::ContextRef::capture(), where);
}

ThreadsafeHandle EventLoop::call_soon_threadsafe(Callback callback, const Context& context,
                                                 std::source_location where) {
  return post(std::move(callback), internal::ContextRef(context.ref()), where);
}

ThreadsafeHandle EventLoop::post(Callback&& callback, internal::ContextRef&& context,
                                 std::source_location where) {
  auto* state =
      new internal::ThreadsafeHandleState(*this, std::move(callback), std::move(context), where);
  ThreadsafeHandle handle(state);
  if (inbox_->post(*state)) return handle;
  state->drop_reference();
  throw std::runtime_error("Event loop is closed");
}

TimerHandle EventLoop::call_later(Duration delay, Callback callback, std::source_location where) {
  return call_at(deadline(delay), std::move(callback), where);
}

TimerHandle EventLoop::call_later(Duration delay, Callback callback, const Context& context,
                                  std::source_location where) {
  return call_at(deadline(delay), std::move(callback), context, where);
}

inline TimerHandle EventLoop::schedule_at(TimePoint when, Callback&& callback,
                                          internal::ContextRef&& context,
                                          std::source_location where) {
  check_call();
  auto* state =
      new internal::TimerHandleState(*this, std::move(callback), std::move(context), where, when);
  TimerHandle handle(state);
  timers_.schedule(state->timer(), when);
  state->add_reference();
  return handle;
}

TimerHandle EventLoop::call_at(TimePoint when, Callback callback, std::source_location where) {
  return schedule_at(when, std::move(callback), internal::ContextRef::capture(), where);
}

TimerHandle EventLoop::call_at(TimePoint when, Callback callback, const Context& context,
                               std::source_location where) {
  return schedule_at(when, std::move(callback), internal::ContextRef(context.ref()), where);
}

TimePoint EventLoop::deadline(Duration delay) const {
  const TimePoint now = time();
  const auto span = delay.nanoseconds();
  return span < TimePoint::max() - now ? now + span : TimePoint::max();
}

std::optional<Duration> EventLoop::wait_limit() const {
  if (stopping_ || anything_due()) return Duration::zero();
  if (timers_.empty()) return std::nullopt;
  const TimePoint next = timers_.next_deadline();
  const TimePoint now = time();
  if (next <= now) return Duration::zero();  // by how much might not fit into a duration
  return Duration(std::min<std::chrono::nanoseconds>(next - now, kLongestWait));
}

bool EventLoop::idles() const noexcept {
  if (stopping_ || anything_due()) return false;
  return timers_.empty() || timers_.next_deadline() == TimePoint::max();
}

void EventLoop::make_timers_due() {
  if (timers_.empty()) return;
  const TimePoint end = deadline(kClockResolution);
  while (Runnable* action = timers_.pop_due(end)) ready_.push_back(*action);
}

// What is due now is moved aside, so that what it schedules waits for the next turn. A FatalError
// leaves the rest of it due.
void EventLoop::run_due() {
  RunnableList batch;
  batch.splice_back(ready_);
  absl::Cleanup keep_rest = [&] {
    ready_.splice_front(batch);
    current_ = nullptr;
    if (observer_ != nullptr) observer_->step_ended();  // of the step in which it came
  };
  const bool observed = debug_ || observer_ != nullptr;
  while (!batch.empty()) {
    current_ = &batch.pop_front();
    observed ? run_observed(*current_) : current_->run();
  }
}

void EventLoop::run_observed(Runnable& node) {
  const Activity activity = node.activity();
  if (observer_ != nullptr) observer_->step_begins(activity);
  const absl::Cleanup ended = [this] {
    if (observer_ != nullptr) observer_->step_ended();
  };
  const TimePoint begin = time();
  node.run();
  const std::chrono::duration<double> took = time() - begin;
  if (debug_ && took >= slow_callback_duration.nanoseconds()) {
    log(LogSeverity::kWarning,
        absl::StrFormat("Executing %s took %.3f seconds", to_string(activity), took.count()));
  }
}

std::optional<Activity> EventLoop::current_activity() const {
  if (current_ == nullptr) return std::nullopt;
  return current_->activity();
}

void EventLoop::set_exception_handler(ExceptionHandler handler) {
  exception_handler_ =
      handler != nullptr ? std::make_shared<ExceptionHandler>(std::move(handler)) : nullptr;
}

void EventLoop::default_exception_handler(const ExceptionContext& context) {
  std::string text = describe(context);
  if (debug_ && current_ != nullptr) {
    absl::StrAppend(&text, "\nwhile running ", to_string(current_->activity()));
  }
  log(LogSeverity::kError, text);
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
  const std::shared_ptr<ExceptionHandler> handler = exception_handler_;
  if (handler == nullptr) return default_exception_handler(context);
  try {
    (*handler)(*this, context);
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    default_exception_handler({.message = "Unhandled error in exception handler",
                               .exception = std::current_exception(),
                               .details = {{"context", describe(context)}}});
  }
}

namespace internal {

LoopLocals& locals_of(EventLoop& loop) noexcept { return loop.locals_; }

}  // namespace internal
}  // namespace asyncio
