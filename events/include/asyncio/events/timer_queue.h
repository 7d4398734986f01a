// Who is due when: a heap of deadlines.
//
// A 4-ary heap whose entries carry the deadline themselves. Each timer has a slot in a table, and
// the slot's place in the heap is kept in one that is denser still, so that sifting touches no
// timer, wherever they lie in memory. Cancelling is O(log n) and leaves nothing behind to clean up
// later (asyncio leaves cancelled timers in its heap and rebuilds it now and then). Timers with
// equal deadlines are due in the order in which they were scheduled. At most 2^32 timers.
#ifndef ASYNCIO_EVENTS_TIMER_QUEUE_H_
#define ASYNCIO_EVENTS_TIMER_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "asyncio/events/runnable.h"

namespace asyncio {

using TimePoint = std::chrono::steady_clock::time_point;

class TimerQueue;

// A place in the queue. Destroying a scheduled Timer cancels it.
class Timer {
 public:
  // `action` joins the ready queue when the timer is due. It must outlive the timer.
  explicit Timer(Runnable& action) : action_(&action) {}
  ~Timer() { cancel(); }

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool scheduled() const noexcept { return queue_ != nullptr; }

  // Leaves the queue, if it stands in one. O(log n).
  void cancel() noexcept;

 private:
  friend class TimerQueue;

  Runnable* action_;
  TimerQueue* queue_ = nullptr;
  std::uint32_t slot_ = 0;
};

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue() { clear(); }

  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }

  // REQUIRES: !timer.scheduled(). Throws std::bad_alloc.
  void schedule(Timer& timer, TimePoint when);

  // The earliest deadline. REQUIRES: !empty().
  TimePoint next_deadline() const { return heap_.front().when; }

  // Takes out the first timer whose deadline lies before `end` and returns its action, or null.
  Runnable* pop_due(TimePoint end) noexcept;

  // Takes one timer out, whatever its deadline, and returns its action; null when empty.
  Runnable* pop_any() noexcept;

  // Forgets all timers.
  void clear() noexcept;

 private:
  friend class Timer;

  struct Entry {
    TimePoint when;
    std::uint32_t slot;
  };
  struct Slot {
    Timer* timer;
    std::uint64_t sequence;  // order among equal deadlines
  };

  bool before(const Entry& a, const Entry& b) const noexcept {
    return a.when != b.when ? a.when < b.when : slots_[a.slot].sequence < slots_[b.slot].sequence;
  }

  void add_slot();
  Runnable* remove(std::uint32_t slot) noexcept;
  void place(std::size_t index, Entry entry) noexcept;
  void sift_up(std::size_t index, Entry entry) noexcept;
  void sift_down(std::size_t index, Entry entry) noexcept;

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> places_;  // by slot: the index in the heap; of a free one: the next
  std::uint32_t free_slot_ = 0;        // places_.size(): none is free
  std::uint64_t next_sequence_ = 0;
};

inline void Timer::cancel() noexcept {
  if (queue_ != nullptr) queue_->remove(slot_);
}

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TIMER_QUEUE_H_
