// FutureWatch: a place in the line of a future, for what waits for several of them.
//
// It is told that the future is done in the same turn as a callback added instead of it would be,
// allocates nothing, and leaves the line by being destroyed, also when it is due already.
#ifndef ASYNCIO_UTILS_FUTURE_WATCH_H_
#define ASYNCIO_UTILS_FUTURE_WATCH_H_

#include <exception>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/futures/future_state.h"

namespace asyncio::internal {

class FutureWatch : public Runnable {
 public:
  FutureState& future() const noexcept { return future_; }

 protected:
  // Joins the line; is due next turn if the future is done. REQUIRES: the future outlives this, and
  // its loop is open.
  explicit FutureWatch(FutureState& future) : future_(future) {
    if (future.done()) {
      future.loop().enqueue(*this);
    } else {
      future.park(*this);
    }
  }
  ~FutureWatch() = default;

  // The future is done. This may be destroyed here.
  virtual void future_done() = 0;

 private:
  void run() final { future_done(); }

  FutureState& future_;
};

// What the future ended with in place of a value, a CancelledError included, or null; it counts as
// seen. REQUIRES: future.done().
inline std::exception_ptr error_of(FutureState& future) noexcept {
  try {
    return future.exception();
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_UTILS_FUTURE_WATCH_H_
