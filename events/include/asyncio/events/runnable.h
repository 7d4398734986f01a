// The node of which the ready queue is made.
//
// Whatever may be due next turn (a callback, a task's next step, a timer that fired) *is* a
// Runnable, so making it due allocates nothing: it is linked into the list. The same links hold it
// while it waits for a future, because nothing waits and is due at once.
//
// Invariant: a Runnable stands in at most one list. Destroying it takes it out.
#ifndef ASYNCIO_EVENTS_RUNNABLE_H_
#define ASYNCIO_EVENTS_RUNNABLE_H_

#include "asyncio/events/activity.h"
#include "asyncio/events/intrusive_list.h"

namespace asyncio {

namespace internal {
class FutureState;  // of the layer above, and known by name alone
}

class Runnable : public ListNode {
 public:
  // Called once by the loop after it has taken the node out of the ready queue. The node may
  // destroy itself here, once nothing of the user's runs any more: see activity(). Must throw
  // nothing but a FatalError, which leaves run_forever().
  virtual void run() = 0;

  // Called instead of run() when the loop closes first. Whoever lives by being queued ends here.
  virtual void abandon() noexcept {}

  // How reports name it. Called before run(), and while it runs.
  virtual Activity activity() const noexcept { return {}; }

  // The future that goes on when this runs: a task's, or that of a gather(). Null for callbacks.
  // Only call graphs look.
  virtual internal::FutureState* dependent() const noexcept { return nullptr; }

 protected:
  Runnable() = default;
  ~Runnable() = default;
};

using RunnableList = IntrusiveList<Runnable>;

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_RUNNABLE_H_
