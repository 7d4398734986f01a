// The handle that call_soon_threadsafe() returns: every thread may cancel it.
//
// Python counterpart: the private _ThreadSafeHandle of 3.14.
#ifndef ASYNCIO_EVENTS_THREADSAFE_HANDLE_H_
#define ASYNCIO_EVENTS_THREADSAFE_HANDLE_H_

#include <atomic>
#include <cstddef>
#include <source_location>
#include <utility>

#include "asyncio/events/context.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/runnable.h"

namespace asyncio {

namespace internal {

// A callback on its way from another thread. Whoever takes it out of the phase kPending, be it to
// run or to withdraw it, has callback_ to himself. It starts with two references, one for the
// handle and one for the queue.
class ThreadsafeHandleState final : public Runnable {
 public:
  ThreadsafeHandleState(ExceptionReporter& reporter, Callback&& callback, ContextRef&& context,
                        std::source_location created)
      : reporter_(reporter),
        created_(created),
        callback_(std::move(callback)),
        context_(std::move(context)) {}

  static void* operator new(std::size_t size);
  static void operator delete(void* block, std::size_t size) noexcept;

  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }

  // The last reference has nobody to race with.
  void drop_reference() noexcept {
    if (references_.load(std::memory_order_acquire) == 1 ||
        references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete this;
    }
  }

  void run() override;
  void abandon() noexcept override;
  Activity activity() const noexcept override { return {.kind = "Handle", .created = created_}; }

  void cancel() noexcept;
  bool cancelled() const noexcept;

 private:
  enum class Phase : int { kPending, kRunning, kOver };

  ~ThreadsafeHandleState() = default;

  // Whether it was pending, which it then is no more.
  bool take(Phase next) noexcept;
  void withdraw() noexcept;
  void wait_while_running() const noexcept;
  void call();
  void report_exception();

  ExceptionReporter& reporter_;
  const std::source_location created_;
  std::atomic<int> references_{2};
  std::atomic<Phase> phase_{Phase::kPending};
  std::atomic<bool> cancelled_{false};
  Callback callback_;
  ContextRef context_;
};

}  // namespace internal

class ThreadsafeHandle {
 public:
  // Refers to nothing: cancelled() is true.
  ThreadsafeHandle() = default;
  ThreadsafeHandle(const ThreadsafeHandle& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->add_reference();
  }
  ThreadsafeHandle(ThreadsafeHandle&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  ThreadsafeHandle& operator=(ThreadsafeHandle other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~ThreadsafeHandle() {
    if (state_ != nullptr) state_->drop_reference();
  }

  // Withdraws the callback. Once this returns it never runs; if it is running on the loop's thread
  // this blocks until it has ended. From inside the callback itself it does not block. Idempotent.
  void cancel() noexcept {
    if (state_ != nullptr) state_->cancel();
  }

  // Whether cancel() was called; blocks while the callback runs.
  bool cancelled() const noexcept { return state_ == nullptr || state_->cancelled(); }

 private:
  friend class EventLoop;

  // Takes over the caller's reference.
  explicit ThreadsafeHandle(internal::ThreadsafeHandleState* state) noexcept : state_(state) {}

  internal::ThreadsafeHandleState* state_ = nullptr;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_THREADSAFE_HANDLE_H_
