// Connections that must not be silent for too long.
#ifndef ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_
#define ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_

#include "absl/container/flat_hash_map.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/handle.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/transports/transport.h"
#include "transports/src/socket_transport.h"

namespace asyncio::internal {

// Asks all of them, four times per limit, whether there was anything since, instead of setting a
// timer for each and reading the clock for each byte. One that was silent from one question to the
// fifth after it is aborted: after the limit, and no later than a quarter of it. Without
// connections there is no timer.
class SilenceWatch {
 public:
  // A limit that is zero, negative or infinite: watches nobody. A connection that breaks its
  // silence goes over to `then`, or stays if that is null. One that does not is told `complaint`.
  SilenceWatch(EventLoop& loop, Duration limit, const char* complaint, SilenceWatch* then);
  ~SilenceWatch() { next_.cancel(); }

  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;

  // Its silence begins now.
  void add(SocketTransport& connection);

  // Must be called before the connection goes; no effect for one that is not here.
  void remove(BaseTransport& connection) { watched_.erase(&connection); }

 private:
  struct Watched {
    SocketTransport* connection;
    int silent = -1;  // whole intervals
  };

  bool on() const noexcept { return interval_ > Duration(); }
  void schedule();
  void sweep();
  bool sweep(Watched& watched);

  EventLoop& loop_;
  const Duration interval_;  // zero: off
  const char* const complaint_;
  SilenceWatch* const then_;
  absl::flat_hash_map<BaseTransport*, Watched> watched_;
  TimerHandle next_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_
