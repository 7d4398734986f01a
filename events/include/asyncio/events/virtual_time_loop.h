// A loop for tests: its clock jumps when nothing is ready.
//
// Sleeps and timeouts take no time, and always the same turns. Descriptors, other threads and
// signals work as on any loop, but the clock does not wait for them: it jumps to the next deadline
// whenever nothing is ready at that very moment.
//
// Python counterpart: none in asyncio; trio's autojump clock.
#ifndef ASYNCIO_EVENTS_VIRTUAL_TIME_LOOP_H_
#define ASYNCIO_EVENTS_VIRTUAL_TIME_LOOP_H_

#include <optional>

#include "asyncio/events/selector_event_loop.h"

namespace asyncio {

class VirtualTimeLoop : public SelectorEventLoop {
 public:
  using SelectorEventLoop::SelectorEventLoop;

  // The virtual time; starts at the clock's epoch.
  TimePoint time() const override { return now_; }

  // Moves the clock by hand: as if a callback had taken that long. REQUIRES: span >= 0.
  void advance(Duration span) { now_ = deadline(span); }

 protected:
  void wait(std::optional<Duration> limit) override;

 private:
  TimePoint now_{};
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_VIRTUAL_TIME_LOOP_H_
