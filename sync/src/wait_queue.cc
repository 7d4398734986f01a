#include "asyncio/sync/wait_queue.h"

namespace asyncio {

class WaitQueue::Place {
 public:
  explicit Place(WaitQueue& queue) : queue_(&queue), previous_(queue.last_) {
    (previous_ != nullptr ? previous_->next_ : queue.first_) = this;
    queue.last_ = this;
  }
  ~Place() { leave(); }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Waiter& waiter() noexcept { return waiter_; }

  void leave() noexcept {
    if (queue_ == nullptr) return;
    (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
    (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
    queue_ = nullptr;
  }

 private:
  Waiter waiter_;
  WaitQueue* queue_;
  Place* previous_;
  Place* next_ = nullptr;
};

Coro<> WaitQueue::wait(WaitQueue* queue) {
  Place place(*queue);
  co_await place.waiter();
}

void WaitQueue::wake_all() noexcept {
  while (first_ != nullptr) {
    first_->waiter().wake();
    first_->leave();
  }
}

void WaitQueue::clear() noexcept {
  while (first_ != nullptr) first_->leave();
}

}  // namespace asyncio
