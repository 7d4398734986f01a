// The event loop: who runs next?
//
// A loop belongs to the thread that runs it. It turns: wait until something is due, make due
// whatever became ready, run exactly what was due at that moment, repeat. What callbacks schedule
// runs in a later turn, never inside the call that schedules it. Callbacks run one at a time, in
// the order in which they became due, so nothing here needs a lock.
//
// EventLoop holds what every loop has in common: the ready queue, the timers, the inbox of other
// threads, the life cycle and the exception handler. A concrete loop supplies run_once(), the
// readiness of descriptors and the signals; see SelectorEventLoop. Everything asyncio's loop can do
// beyond readiness and time lives in the layer it belongs to, as free functions: create_future in
// futures, create_task and run_until_complete in tasks, connections in transports.
//
// Order within a turn: what was due already, then descriptors (for one descriptor the reader before
// the writer), then timers by deadline, equal deadlines first in first out.
//
// Python counterpart: asyncio.AbstractEventLoop, BaseEventLoop.
#ifndef ASYNCIO_EVENTS_EVENT_LOOP_H_
#define ASYNCIO_EVENTS_EVENT_LOOP_H_

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fd_handler.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/idle_observer.h"
#include "asyncio/events/inbox.h"
#include "asyncio/events/loop_local.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/step_observer.h"
#include "asyncio/events/threadsafe_handle.h"
#include "asyncio/events/timer_queue.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

// A callable and the arguments, at least one, that a loop shall call it with.
template <class F, class... Args>
concept CallableWith =
    sizeof...(Args) > 0 && std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>;

class EventLoop : public ExceptionReporter {
 public:
  using ExceptionHandler =
      absl::AnyInvocable<void(EventLoop& loop, const ExceptionContext& context)>;

  // A loop must be closed before it is destroyed. A concrete loop's destructor does it where that
  // was forgotten; here it would be too late.
  virtual ~EventLoop();

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Life cycle.

  // Runs until stop(). If stop() was called before, runs one turn that does not wait.
  // Throws std::runtime_error: closed ("Event loop is closed"), already running, or another loop
  // runs in this thread. A FatalError thrown by a callback leaves through here; the loop can be run
  // again, and what was due stays due.
  void run_forever();

  // Makes run_forever() return after the turn in which it was called: what is due now still runs,
  // what that schedules waits for the next run. Loop's thread; from others, call_soon_threadsafe
  // it.
  void stop() noexcept { stopping_ = true; }

  // Any thread.
  bool is_running() const noexcept { return running_.load(std::memory_order_relaxed); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

  // Ends the loop for good. Destroys what the layers above keep per loop (pending tasks are
  // reported and destroyed), then drops the ready queue and the timers without running them and
  // gives the descriptors back. Idempotent. Throws std::runtime_error ("Cannot close a running
  // event loop").
  void close();

  // Scheduling.
  //
  // All throw std::runtime_error ("Event loop is closed"), and all but call_soon_threadsafe throw
  // it when this loop runs in another thread ("Non-thread-safe operation …"); asyncio checks that
  // only in debug mode. A callback runs in a copy of the context current at the call, or in the one
  // given.

  // Runs `callback` in the next turn, after what is already due. Arguments are kept (decayed) and
  // passed as lvalues. Reports name the line of the call, but of callbacks with arguments they
  // cannot: there a lambda says more.
  Handle call_soon(Callback callback, std::source_location where = std::source_location::current());
  Handle call_soon(Callback callback, const Context& context,
                   std::source_location where = std::source_location::current());
  template <class F, class... Args>
    requires CallableWith<F, Args...>
  Handle call_soon(F&& f, Args&&... args) {
    return call_soon(bind(std::forward<F>(f), std::forward<Args>(args)...), kUnknownPlace);
  }

  // The same from any thread; wakes the loop if it sleeps. Posts of one thread, and everything that
  // happens after a post, keep their order. The callback is destroyed on the loop's thread, or on
  // this one if it is cancelled or the loop is closed.
  ThreadsafeHandle call_soon_threadsafe(
      Callback callback, std::source_location where = std::source_location::current());
  ThreadsafeHandle call_soon_threadsafe(
      Callback callback, const Context& context,
      std::source_location where = std::source_location::current());
  template <class F, class... Args>
    requires CallableWith<F, Args...>
  ThreadsafeHandle call_soon_threadsafe(F&& f, Args&&... args) {
    return call_soon_threadsafe(bind(std::forward<F>(f), std::forward<Args>(args)...),
                                kUnknownPlace);
  }

  // Runs `callback` once `delay` has passed. Zero and negative delays are due next turn, ordered by
  // deadline. An infinite delay never fires. Never early; how late depends on the selector (epoll:
  // about a millisecond at most). NaN: std::invalid_argument.
  TimerHandle call_later(Duration delay, Callback callback,
                         std::source_location where = std::source_location::current());
  TimerHandle call_later(Duration delay, Callback callback, const Context& context,
                         std::source_location where = std::source_location::current());
  template <class F, class... Args>
    requires CallableWith<F, Args...>
  TimerHandle call_later(Duration delay, F&& f, Args&&... args) {
    return call_later(delay, bind(std::forward<F>(f), std::forward<Args>(args)...), kUnknownPlace);
  }

  // The same at an absolute loop time.
  TimerHandle call_at(TimePoint when, Callback callback,
                      std::source_location where = std::source_location::current());
  TimerHandle call_at(TimePoint when, Callback callback, const Context& context,
                      std::source_location where = std::source_location::current());
  template <class F, class... Args>
    requires CallableWith<F, Args...>
  TimerHandle call_at(TimePoint when, F&& f, Args&&... args) {
    return call_at(when, bind(std::forward<F>(f), std::forward<Args>(args)...), kUnknownPlace);
  }

  // How long the next turn may wait: not at all if anything is due or the loop is stopping; until
  // the next deadline, but a day at most; nullopt, as long as it takes, without timers. Reads the
  // clock only in the second case.
  std::optional<Duration> wait_limit() const;

  // The loop's clock, read now. Monotonic.
  virtual TimePoint time() const { return std::chrono::steady_clock::now(); }

  // Readiness.
  //
  // Level-triggered: the callback runs once a turn while the descriptor is ready. The loop does not
  // own the descriptor; remove it before closing it.

  // Calls `callback` while `fd` is readable, or writable; a second add replaces the callback.
  // Throws std::runtime_error when closed, std::invalid_argument for a negative fd, OsError when
  // the system refuses it.
  virtual void add_reader(int fd, Callback callback,
                          std::source_location where = std::source_location::current()) = 0;
  virtual void add_writer(int fd, Callback callback,
                          std::source_location where = std::source_location::current()) = 0;

  // Whether there was a callback to remove. False on a closed loop. Once it returns the callback
  // does not run again, even if `fd` was found ready in this very turn. Throws OsError if the other
  // callback of `fd` stays and the system refuses that, `fd` being closed: both are gone then. In a
  // forked child only the child's copy of the callback goes.
  virtual bool remove_reader(int fd) = 0;
  virtual bool remove_writer(int fd) = 0;

  // Signals.

  // Calls `callback` on the loop when the process receives `signal`; a second add replaces the
  // callback. Throws std::invalid_argument for a number that is no signal, std::runtime_error for
  // one that cannot be caught, on a closed loop, and when another loop handles the signal.
  virtual void add_signal_handler(int signal, Callback callback,
                                  std::source_location where = std::source_location::current()) = 0;

  // Restores the signal's default action. False if there was no handler.
  virtual bool remove_signal_handler(int signal) = 0;

  // The descriptor that is readable while a turn has something to do for descriptors, other threads
  // or signals; -1 if there is none. See GuestRun.
  virtual int fileno() const noexcept { return -1; }

  // Whether a descriptor is watched, or a signal handled, that could wake the loop. SIGINT does not
  // count: run() always handles it. A loop that cannot tell says yes.
  virtual bool awaits_input() const noexcept { return true; }

  // Errors.

  // Null restores default_exception_handler(). The handler runs on the loop's thread.
  // It may set another one while it runs.
  void set_exception_handler(ExceptionHandler handler);

  // The handler that was set, shared with the loop; null if there is none.
  std::shared_ptr<ExceptionHandler> get_exception_handler() const { return exception_handler_; }

  // Logs the message, the details by key, the exception's type and what it says, and in debug mode
  // what was running, as one error record.
  void default_exception_handler(const ExceptionContext& context);

  // Reports to the handler. Throws nothing but a FatalError that the handler threw; a handler that
  // fails otherwise is reported to the default one.
  void call_exception_handler(const ExceptionContext& context) override;

  // Debug mode.
  //
  // Off by default, unless the environment variable ASYNCIO_DEBUG is not empty. On, the loop looks
  // at every callback and logs: callbacks that hold it up, sockets that could block it, that it was
  // not closed, connections that were still open when it was. Off, it costs a branch a turn.
  //
  // Python counterpart: loop.get_debug(), loop.set_debug(), PYTHONASYNCIODEBUG.

  bool get_debug() const noexcept { return debug_; }

  // Loop's thread. Takes effect for callbacks from the next turn on.
  void set_debug(bool enabled) noexcept { debug_ = enabled; }

  // In debug mode, a callback or task step that takes at least this long, by the loop's clock, is
  // logged as a warning.
  Duration slow_callback_duration = Duration(std::chrono::milliseconds(100));

  // Tells `observer` of every callback from the next turn on; null: nobody. One at a time. Loop's
  // thread. See Watchdog.
  void set_step_observer(StepObserver* observer) noexcept { observer_ = observer; }

  // Tells `observer` whenever run_forever() is about to wait and time alone will not end that;
  // null: nobody. One at a time. Loop's thread. See DeadlockDetective.
  void set_idle_observer(IdleObserver* observer) noexcept { idle_observer_ = observer; }

  // What runs now; nullopt outside of callbacks. Loop's thread.
  std::optional<Activity> current_activity() const;

  // For the layers above.

  // Whether a loop lives at this address. Any thread; takes a lock. For those that may outlive
  // their loop, on their rare paths.
  static bool is_alive(const EventLoop* loop) noexcept;

  // Hot path.

  // Makes `node` due: it runs in the next turn, after what is already due. The hot path of all
  // wake-ups: no allocation, no lock, no system call. REQUIRES: !node.linked(), loop's thread.
  void enqueue(Runnable& node) noexcept {
    if (inbox_->pending()) inbox_->take(ready_);
    ready_.push_back(node);
  }

  // For a node that runs: `node` runs now in its place, and that may be destroyed. Reports name it.
  // A FatalError leaves through here. REQUIRES: !node.linked().
  void run_instead(Runnable& node) {
    current_ = &node;
    node.run();
  }

  // add_reader() without a callback: `handler` itself becomes due. By default it is called by one.
  // REQUIRES: it is removed before it goes; it is watched for nothing else.
  virtual void watch_reader(int fd, FdHandler& handler, std::source_location where) {
    add_reader(fd, [&handler] { handler.run(); }, where);
  }

  // Makes the timer's action due at `when`. REQUIRES: !timer.scheduled(), loop's thread.
  void schedule(Timer& timer, TimePoint when) { timers_.schedule(timer, when); }

  // `delay` from now, saturating at TimePoint::max().
  TimePoint deadline(Duration delay) const;

  // The door for other threads; it may outlive the loop and then refuses.
  const std::shared_ptr<Inbox>& inbox() const noexcept { return inbox_; }

 protected:
  // Reports of a loop that nobody closed say where it was made.
  explicit EventLoop(std::source_location created);

  // What a concrete loop supplies.

  // One turn: wait for at most `limit` (nullopt: as long as it takes), make due what is ready,
  // make_timers_due(), run_due().
  virtual void run_once(std::optional<Duration> limit) = 0;

  // Gives back what the loop holds of the system. Called once, by close().
  virtual void release() noexcept = 0;

  // What it builds it from.

  // Moves what other threads posted to the ready queue.
  void take_posted() {
    if (inbox_->pending()) inbox_->take(ready_);
  }

  // Moves the due timers to the ready queue, by deadline. Reads the clock once, if there are
  // timers.
  void make_timers_due();

  // Runs exactly what is due now. The only place where callbacks are called.
  void run_due();

  // Throw what the scheduling functions throw: for a closed loop; for that or the wrong thread.
  void check_open() const;
  void check_call() const {
    if (running_loop_or_null() != this) check_not_running();
  }

  // For the concrete loop's destructor: close(), and in debug mode say that nobody else did.
  void close_forgotten() noexcept;

  const TimerQueue& timers() const noexcept { return timers_; }
  bool stopping() const noexcept { return stopping_; }
  bool anything_due() const noexcept { return !ready_.empty() || inbox_->pending(); }

 private:
  // Of callbacks with arguments: a parameter behind a pack cannot have a default.
  static constexpr std::source_location kUnknownPlace = {};

  friend class GuestRun;
  friend internal::LoopLocals& internal::locals_of(EventLoop& loop) noexcept;

  template <class F, class... Args>
  static Callback bind(F&& f, Args&&... args) {
    return std::bind_front(std::forward<F>(f), std::forward<Args>(args)...);
  }

  Handle schedule_soon(Callback&& callback, internal::ContextRef&& context,
                       std::source_location where);
  ThreadsafeHandle post(Callback&& callback, internal::ContextRef&& context,
                        std::source_location where);
  TimerHandle schedule_at(TimePoint when, Callback&& callback, internal::ContextRef&& context,
                          std::source_location where);
  void check_not_running() const;
  bool idles() const noexcept;
  void begin_run();
  void end_run() noexcept;
  void run_observed(Runnable& node);
  void drop_scheduled() noexcept;

  RunnableList ready_;
  std::shared_ptr<Inbox> inbox_;
  TimerQueue timers_;
  std::atomic<bool> running_{false};
  bool stopping_ = false;
  bool debug_;
  std::atomic<bool> closed_{false};
  Runnable* current_ = nullptr;
  StepObserver* observer_ = nullptr;
  IdleObserver* idle_observer_ = nullptr;
  const std::source_location created_;
  internal::LoopLocals locals_;
  std::shared_ptr<ExceptionHandler> exception_handler_;  // shared with the call that runs
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_EVENT_LOOP_H_
