// Who is told that a loop is about to wait for what time alone will not bring.
#ifndef ASYNCIO_EVENTS_IDLE_OBSERVER_H_
#define ASYNCIO_EVENTS_IDLE_OBSERVER_H_

namespace asyncio {

// Called on the loop's thread. Must outlive its time as an observer. Python counterpart: none.
class IdleObserver {
 public:
  // Nothing is due and no timer will fire: only a descriptor, a signal or another thread can wake
  // the loop. It waits after this unless this has scheduled something or stopped it. What this
  // throws leaves run_forever().
  virtual void loop_idles() = 0;

 protected:
  ~IdleObserver() = default;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_IDLE_OBSERVER_H_
