// Who is due when: a heap of deadlines.
//
// A 4-ary heap whose entries carry the deadline themselves, so that sifting touches no timer; each
// timer knows its place, so that cancelling is O(log n) and leaves nothing behind to clean up later
// (asyncio leaves cancelled timers in its heap and rebuilds it now and then). Timers with equal
// deadlines are due in the order in which they were scheduled.
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
  std::size_t index_ = 0;       // place in the heap
  std::uint64_t sequence_ = 0;  // order among equal deadlines
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
    Timer* timer;
  };

  static bool before(const Entry& a, const Entry& b) noexcept {
    return a.when != b.when ? a.when < b.when : a.timer->sequence_ < b.timer->sequence_;
  }

  Runnable* remove(std::size_t index) noexcept;
  void place(std::size_t index, Entry entry) noexcept;
  void sift_up(std::size_t index, Entry entry) noexcept;
  void sift_down(std::size_t index, Entry entry) noexcept;

  std::vector<Entry> heap_;
  std::uint64_t next_sequence_ = 0;
};

inline void Timer::cancel() noexcept {
  if (queue_ != nullptr) queue_->remove(index_);
}

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TIMER_QUEUE_H_
