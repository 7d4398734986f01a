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
#include "asyncio/tasks/task_core.h"

namespace asyncio::internal {

class FutureWatch : public Runnable {
 public:
  FutureState& future() const noexcept { return future_; }
  FutureState* dependent() const noexcept final { return dependent_; }

 protected:
  // Joins the line; is due next turn if the future is done. `dependent` is whose sake it is for,
  // see Runnable. REQUIRES: the future outlives this, and its loop is open.
  FutureWatch(FutureState& future, FutureState* dependent)
      : future_(future), dependent_(dependent) {
    if (future.done()) {
      future.loop().enqueue(*this);
    } else {
      future.park(*this);
    }
  }
  ~FutureWatch() = default;

  // The future is done. This may be destroyed here, as Runnable::run() says.
  virtual void future_done() = 0;

 private:
  void run() final { future_done(); }

  FutureState& future_;
  FutureState* const dependent_;
};

// The future of the task that runs on this loop; null outside of tasks.
inline FutureState* current_future(EventLoop& loop) {
  const TaskRegistry* registry = TaskRegistry::find(loop);
  if (registry == nullptr || registry->current() == nullptr) return nullptr;
  return &registry->current()->future();
}

// What the future ended with in place of a value, a CancelledError included, or null; it counts as
// seen. REQUIRES: future.done().
inline std::exception_ptr error_of(FutureState& future) {
  return future.cancelled() ? future.make_cancelled_error() : future.exception();
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_UTILS_FUTURE_WATCH_H_
