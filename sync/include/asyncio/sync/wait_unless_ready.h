// WaitUnlessReady: an operation that mostly has nothing to wait for.
//
// If it has not, no turn passes and there is no coroutine; else a coroutine waits, and the
// operation is done in the very step in which that has ended.
#ifndef ASYNCIO_SYNC_WAIT_UNLESS_READY_H_
#define ASYNCIO_SYNC_WAIT_UNLESS_READY_H_

#include <coroutine>
#include <exception>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/suspension.h"

namespace asyncio {

// An operation has `bool ready() const`, `Coro<> wait()` and `finish()`, whose result is that of
// the co_await.
template <class Operation>
class [[nodiscard]] WaitUnlessReady final : public Suspension, private internal::FrameOwner {
 public:
  explicit WaitUnlessReady(Operation& operation) noexcept
      : FrameOwner(nullptr), operation_(operation) {}

  bool await_ready() const noexcept { return operation_.ready(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    frame_ = &operation_.wait().release();
    frame.promise().await_child(*frame_, *this);
  }
  decltype(auto) await_resume() {
    if (frame_ != nullptr) {
      if (std::exception_ptr error = frame_->take_error()) std::rethrow_exception(error);
    }
    return operation_.finish();
  }

 private:
  Operation& operation_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_WAIT_UNLESS_READY_H_
