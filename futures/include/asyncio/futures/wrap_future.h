// From the futures of threads to the futures of loops.
#ifndef ASYNCIO_FUTURES_WRAP_FUTURE_H_
#define ASYNCIO_FUTURES_WRAP_FUTURE_H_

#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/delivery.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/run_in_executor.h"

namespace asyncio {

namespace internal {

// Ends `destination` as `source` has ended. REQUIRES: source.done(), !destination.done().
template <class T>
void copy_state(const ConcurrentFuture<T>& source, const Future<T>& destination);

// The end of `source`, on its way to the loop of `destination`.
template <class T>
class WrappedFuture final : public Delivery {
 public:
  explicit WrappedFuture(Future<T> destination) : destination_(std::move(destination)) {}

  // The thread that has ended `source`, once.
  void send_end_of(ConcurrentFuture<T> source) {
    source_.emplace(std::move(source));
    send();
  }

 private:
  void drop() noexcept override { destination_.reset(); }

  // What comes after the destination was cancelled is dropped.
  void deliver() override {
    const std::optional<Future<T>> destination = std::exchange(destination_, std::nullopt);
    if (!destination->done()) copy_state(*source_, *destination);
  }

  std::optional<ConcurrentFuture<T>> source_;  // not before its end: it owns this until then
  std::optional<Future<T>> destination_;
};

}  // namespace internal

// A future of `loop` that ends as `future` does, a turn later. Cancelling it cancels `future`; if
// that runs already, its result is dropped. Loop's thread. Throws std::runtime_error if the loop is
// closed.
//
// Python counterpart: asyncio.wrap_future().
template <class T>
Future<T> wrap_future(ConcurrentFuture<T> future, EventLoop& loop = get_event_loop()) {
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  Future<T> wrapped(loop);
  auto delivery = std::make_shared<internal::WrappedFuture<T>>(wrapped);
  delivery->expect(loop);
  future.add_done_callback(
      [delivery](ConcurrentFuture<T> ended) { delivery->send_end_of(std::move(ended)); });
  wrapped.add_done_callback([future](const AnyFuture& done) {
    if (done.cancelled()) future.cancel();
  });
  return wrapped;
}

// The same for a std::future, which a thread of the loop's default executor waits for. Cancelling
// drops the result, but the thread waits on.
template <class T>
Future<T> wrap_future(std::future<T> future, EventLoop& loop = get_event_loop()) {
  return run_in_executor(loop, nullptr,
                         [future = std::move(future)]() mutable { return future.get(); });
}

// `future` itself.
template <class T>
Future<T> wrap_future(Future<T> future) {
  return future;
}

// Implementation.

namespace internal {

template <class T>
void copy_state(const ConcurrentFuture<T>& source, const Future<T>& destination) {
  if (source.cancelled()) {
    destination.cancel();
  } else if (std::exception_ptr error = source.exception()) {
    destination.set_exception(std::move(error));
  } else if constexpr (std::is_void_v<T>) {
    destination.set_result();
  } else {
    destination.set_result(source.result());
  }
}

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_WRAP_FUTURE_H_
