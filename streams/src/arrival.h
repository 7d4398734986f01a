// Where a task waits for the next bytes of a stream, in the frame of whoever reads.
#ifndef ASYNCIO_STREAMS_ARRIVAL_H_
#define ASYNCIO_STREAMS_ARRIVAL_H_

#include <coroutine>
#include <string>

#include "asyncio/futures/errors.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/suspension.h"
#include "streams/src/stream_protocol.h"

namespace asyncio::internal {

// `co_await Arrival(stream)`: until bytes arrive, the stream ends or fails. `destination` may be
// null; it needs an empty buffer. If the task is cancelled after bytes have come, they go back to
// the stream. REQUIRES: check_read() in this turn; the stream outlives it.
class [[nodiscard]] Arrival final : public Suspension {
 public:
  explicit Arrival(StreamProtocol& stream, StreamProtocol::Destination* destination = nullptr)
      : stream_(stream), destination_(destination) {}
  ~Arrival() { stream_.end_waiting(waiter_); }

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    stream_.begin_waiting(waiter_, destination_);
    park(frame, waiter_);
  }

  void await_resume() {
    stream_.end_waiting(waiter_);
    try {
      finish(waiter_);
    } catch (const CancelledError&) {
      if (destination_ != nullptr) stream_.take_back(*destination_);
      throw;
    }
  }

 private:
  StreamProtocol& stream_;
  StreamProtocol::Destination* const destination_;
  Waiter waiter_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_STREAMS_ARRIVAL_H_
