#include "asyncio/sync/wait_queue.h"

#include <stdexcept>

namespace asyncio {

// WaitQueue::Place.

void WaitQueue::Place::leave() noexcept {
  if (queue_ == nullptr) return;
  if (queue_->waiting_ == this) queue_->waiting_ = next_;
  (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
  queue_ = nullptr;
}

void WaitQueue::Place::require_queue() const {
  if (queue_ == nullptr) throw std::runtime_error("destroyed while a task waited for it");
}

// WaitQueue.

Coro<> WaitQueue::wait(WaitQueue* queue) {
  Place place(*queue);
  co_await place.waiter();
}

std::size_t WaitQueue::size() const noexcept {
  std::size_t size = 0;
  for (const Place* place = first_; place != nullptr; place = place->next_) ++size;
  return size;
}

std::vector<Runnable*> WaitQueue::sleepers() const {
  std::vector<Runnable*> sleepers;
  for (const Place* place = first_; place != nullptr; place = place->next_) {
    if (Runnable* const sleeper = place->waiter_.sleeper()) sleepers.push_back(sleeper);
  }
  return sleepers;
}

bool WaitQueue::wake_next() noexcept {
  while (waiting_ != nullptr) {
    Place& place = *waiting_;
    if (place.waiter_.cancelled()) {
      place.leave();
      continue;
    }
    waiting_ = place.next_;
    place.waiter_.wake();
    return true;
  }
  return false;
}

void WaitQueue::clear() noexcept {
  while (first_ != nullptr) first_->leave();
}

}  // namespace asyncio
