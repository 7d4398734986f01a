// shield(): wait for something without letting one's own cancellation reach it.
//
//   Task<> saving = create_task(save());
//   co_await shield(saving);
#ifndef ASYNCIO_UTILS_SHIELD_H_
#define ASYNCIO_UTILS_SHIELD_H_

#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/future_state.h"
#include "asyncio/utils/future_like.h"
#include "asyncio/utils/future_watch.h"

namespace asyncio {

namespace internal {

// The outer future. It watches the inner one for as long as it is pending.
template <class T>
class ShieldState final : public ValueState<T> {
 public:
  ShieldState(Future<T> inner, std::source_location where)
      : ValueState<T>(inner.get_loop(), where), inner_(std::move(inner)) {
    watch_.emplace(*this);
  }

  bool cancel(std::optional<std::string> message) override {
    watch_.reset();
    return ValueState<T>::cancel(std::move(message));
  }

 private:
  class Watch final : public FutureWatch {
   public:
    explicit Watch(ShieldState& shield)
        : FutureWatch(shield.inner_.state(), &shield), shield_(shield) {}

   private:
    void future_done() override { shield_.inner_done(); }
    ShieldState& shield_;
  };

  void inner_done() {
    if (inner_.cancelled()) {
      ValueState<T>::cancel(std::nullopt);
    } else if (std::exception_ptr error = inner_.exception()) {
      this->fail(std::move(error));
    } else if constexpr (std::is_void_v<T>) {
      this->set_result();
    } else {
      this->set_result(inner_.typed_state().take_value());
    }
  }

  Future<T> inner_;
  std::optional<Watch> watch_;
};

template <class T>
class ShieldingFuture final : public Future<T> {
 public:
  ShieldingFuture(Future<T> inner, std::source_location where)
      : Future<T>(StateRef<FutureState>(new ShieldState<T>(std::move(inner), where))) {}
};

}  // namespace internal

// A future that ends as `awaitable` does, in the turn after it, and can be cancelled without it:
// the other one runs on. Its exception, if nobody else looks, is then reported as never retrieved.
// The other way round, if that is cancelled, so is this. What is done already comes back as it is;
// coroutines and their like become tasks, on the running loop. The value is moved if nobody else
// holds the inner future or if it cannot be copied, else copied.
//
// Throws BorrowedArgumentError for a coroutine that may refer to a temporary, std::runtime_error
// for one where no loop runs.
//
// Python counterpart: asyncio.shield(). There the caller must keep the inner task, here its loop
// does.
template <internal::FutureLike A>
Future<internal::FutureResult<A>> shield(
    A awaitable, std::source_location where = std::source_location::current()) {
  const absl::Cleanup discard_unused = [&] { internal::discard(awaitable); };
  Future<internal::FutureResult<A>> inner =
      internal::to_future(internal::loop_for(awaitable), awaitable, where);
  if (inner.done()) return inner;
  return internal::ShieldingFuture<internal::FutureResult<A>>(std::move(inner), where);
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_SHIELD_H_
