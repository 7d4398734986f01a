// Signals, seen by a loop.
//
// The system's handler runs between any two instructions, so it only counts the signal and wakes
// the loop; the callback runs on the loop like any other. A signal belongs to at most one loop of
// the process.
#ifndef ASYNCIO_EVENTS_SIGNAL_HANDLERS_H_
#define ASYNCIO_EVENTS_SIGNAL_HANDLERS_H_

#include <map>
#include <memory>
#include <source_location>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/inbox.h"

namespace asyncio {

// What a loop calls when a signal arrives.
struct SignalCallback {
  Callback call;
  Context context;  // current when it was added
  std::source_location added;
};

// The signals of one loop.
class SignalHandlers {
 public:
  // `inbox` is the loop's: its waker is what a signal wakes.
  explicit SignalHandlers(std::shared_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}
  ~SignalHandlers() { clear(); }

  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;

  // Throws std::invalid_argument for a number that is no signal.
  static void check(int signal);

  // Errors as EventLoop::add_signal_handler. System calls are restarted (SA_RESTART).
  void add(int signal, Callback callback, std::source_location where);

  // Restores the default action; whether there was a handler. Throws std::invalid_argument for a
  // number that is no signal.
  bool remove(int signal);

  // Whether any signal but `ignored` has a callback.
  bool any_besides(int ignored) const noexcept {
    return callbacks_.size() > callbacks_.count(ignored);
  }

  // Whether any has arrived that take_arrived() would give. No system call.
  bool any_arrived() const noexcept;

  // Removes all.
  void clear() noexcept;

  // The callbacks of the signals that arrived since the last call: one for each arrival, by number.
  std::vector<std::shared_ptr<SignalCallback>> take_arrived();

 private:
  std::shared_ptr<Inbox> inbox_;
  std::map<int, std::shared_ptr<SignalCallback>> callbacks_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_SIGNAL_HANDLERS_H_
