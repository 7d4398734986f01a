// Connections that must not be silent for too long.
#ifndef ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_
#define ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_

#include <chrono>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/intrusive_list.h"
#include "asyncio/selectors/duration.h"
#include "transports/src/socket_transport.h"

namespace asyncio::internal {

// Asks all of them, four times per limit, whether there was anything since, instead of setting a
// timer for each and reading the clock for each byte. One that was silent from one question to the
// fifth after it is aborted: after the limit, and no later than a quarter of it. Asks as often as
// the next watch, if there is one whose limit is shorter. Without connections there is no timer.
class SilenceWatch {
 public:
  // A limit that is zero, negative or infinite: watches nobody. A connection that breaks its
  // silence goes over to `then`, or stays if that is null. One that does not is told `complaint`.
  SilenceWatch(EventLoop& loop, Duration limit, const char* complaint, SilenceWatch* then);
  ~SilenceWatch() { next_.cancel(); }

  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;

  // Its silence begins now. It stays, watched or not, until it unlinks itself or goes over.
  // REQUIRES: it stands in no list.
  void add(SocketTransport& connection);

  // Calls visit(connection) for each that is here. Only that one may leave meanwhile.
  template <class F>
  void for_each(F visit) {
    connections_.for_each(visit);
  }

 private:
  bool on() const noexcept { return interval_.count() > 0; }
  void schedule();
  void sweep();
  void sweep(SocketTransport& connection);

  EventLoop& loop_;
  std::chrono::microseconds interval_;  // between two questions; zero: off
  int intervals_ = 0;                   // of silence that make the limit
  const char* const complaint_;
  SilenceWatch* const then_;
  IntrusiveList<SocketTransport> connections_;
  TimerHandle next_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_SILENCE_WATCH_H_
