// Who is told of every callback that a loop runs.
#ifndef ASYNCIO_EVENTS_STEP_OBSERVER_H_
#define ASYNCIO_EVENTS_STEP_OBSERVER_H_

#include "asyncio/events/activity.h"

namespace asyncio {

// Called on the loop's thread. Must outlive its time as an observer. Python counterpart: none.
class StepObserver {
 public:
  virtual void step_begins(const Activity& activity) noexcept = 0;

  // Also after a step that a FatalError left, and once more before the loop waits.
  virtual void step_ended() noexcept = 0;

 protected:
  ~StepObserver() = default;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_STEP_OBSERVER_H_
