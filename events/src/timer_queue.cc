#include "asyncio/events/timer_queue.h"

#include <algorithm>
#include <utility>

namespace asyncio {
namespace {

constexpr std::size_t kArity = 4;

std::size_t parent_of(std::size_t index) { return (index - 1) / kArity; }
std::size_t first_child_of(std::size_t index) { return index * kArity + 1; }

}  // namespace

void TimerQueue::schedule(Timer& timer, TimePoint when) {
  if (free_slot_ == places_.size()) add_slot();
  heap_.emplace_back();
  timer.queue_ = this;
  timer.slot_ = std::exchange(free_slot_, places_[free_slot_]);
  slots_[timer.slot_] = {&timer, next_sequence_++};
  sift_up(heap_.size() - 1, Entry{when, timer.slot_});
}

void TimerQueue::add_slot() {
  slots_.resize(places_.size() + 1);
  places_.push_back(free_slot_ + 1);
}

Runnable* TimerQueue::pop_due(TimePoint end) noexcept {
  if (heap_.empty() || heap_.front().when >= end) return nullptr;
  return remove(heap_.front().slot);
}

Runnable* TimerQueue::pop_any() noexcept {
  return heap_.empty() ? nullptr : remove(heap_.back().slot);
}

void TimerQueue::clear() noexcept {
  while (pop_any() != nullptr) {
  }
}

Runnable* TimerQueue::remove(std::uint32_t slot) noexcept {
  Timer& timer = *slots_[slot].timer;
  timer.queue_ = nullptr;
  const std::size_t index = std::exchange(places_[slot], free_slot_);
  free_slot_ = slot;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index < heap_.size()) {
    if (index > 0 && before(last, heap_[parent_of(index)])) {
      sift_up(index, last);
    } else {
      sift_down(index, last);
    }
  }
  return timer.action_;
}

void TimerQueue::place(std::size_t index, Entry entry) noexcept {
  heap_[index] = entry;
  places_[entry.slot] = static_cast<std::uint32_t>(index);
}

void TimerQueue::sift_up(std::size_t index, Entry entry) noexcept {
  while (index > 0) {
    const std::size_t parent = parent_of(index);
    if (!before(entry, heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerQueue::sift_down(std::size_t index, Entry entry) noexcept {
  const std::size_t size = heap_.size();
  for (;;) {
    const std::size_t first = first_child_of(index);
    if (first >= size) break;
    std::size_t smallest = first;
    const std::size_t end = std::min(first + kArity, size);
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(heap_[child], heap_[smallest])) smallest = child;
    }
    if (!before(heap_[smallest], entry)) break;
    place(index, heap_[smallest]);
    index = smallest;
  }
  place(index, entry);
}

}  // namespace asyncio
