// Running a loop inside somebody else's: Qt's, GLib's, a game's.
//
// The host stays in charge. It makes a GuestRun where run_forever() would begin, lets the loop take
// a turn whenever there is something to do, and destroys it where run_forever() would return:
//
//   GuestRun guest(loop);
//   while (!guest.stopped()) {
//     …wait until guest.fileno() is readable, for at most guest.wait_limit(); do what else is due…
//     guest.run_once();
//   }
//
// For the host's own callbacks the loop is the running one too: they may call_soon(), create tasks,
// and stop() it.
//
// Python counterpart: the methods _run_forever_setup(), _run_once(), _run_forever_cleanup() that
// asyncio's loop has since 3.13.
#ifndef ASYNCIO_EVENTS_GUEST_RUN_H_
#define ASYNCIO_EVENTS_GUEST_RUN_H_

#include <optional>

#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

// Everything on one thread, the host's. The loop must outlive it, and can be closed only after it.
class GuestRun {
 public:
  // From now on the loop is running, in this thread. Throws what run_forever() throws.
  explicit GuestRun(EventLoop& loop) : loop_(loop) { loop.begin_run(); }
  ~GuestRun() { loop_.end_run(); }

  GuestRun(const GuestRun&) = delete;
  GuestRun& operator=(const GuestRun&) = delete;

  // One turn that does not wait. A FatalError of a callback leaves through here; what was due stays
  // due. REQUIRES: no callback of this loop is running.
  void run_once() { loop_.run_once(Duration::zero()); }

  // Whether stop() was called: run_forever() would return after this turn. Here it is the host that
  // ends the run.
  bool stopped() const noexcept { return loop_.stopping(); }

  // How long the host may wait for fileno() before the next turn: zero, something is due already;
  // nullopt, as long as it likes. Changes with everything that is scheduled: ask before each wait.
  std::optional<Duration> wait_limit() const { return loop_.wait_limit(); }

  // Readable when a descriptor the loop watches is ready, another thread has posted, or a signal
  // has arrived; not for timers. May change between turns, and so may the file behind its number,
  // which an epoll of the host's does not notice: such a host adds it anew before each wait. -1 if
  // the loop's selector has none (select, poll): such a loop cannot be a guest without being asked
  // in vain now and then.
  int fileno() const noexcept { return loop_.fileno(); }

 private:
  EventLoop& loop_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_GUEST_RUN_H_
