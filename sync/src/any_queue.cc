#include "asyncio/sync/any_queue.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace asyncio {

// Woken, a task looks again: who came after it may have been faster. If it is cancelled instead,
// what it was woken for is there for the next.
Coro<> AnyQueue::wait(WaitQueue* line, bool (AnyQueue::*may)() const noexcept) {
  while (!(this->*may)()) {
    loop_.bind(*this);
    WaitQueue::Place place(*line);
    try {
      co_await place.waiter();
    } catch (...) {
      if (place.handed_over() && (this->*may)()) line->wake_first();
      throw;
    }
    place.require_queue();
  }
}

void AnyQueue::task_done() {
  if (unfinished_ == 0) throw std::invalid_argument("task_done() called too many times");
  if (--unfinished_ == 0) finished_.set();
}

void AnyQueue::shut_down() noexcept {
  shut_down_ = true;
  getters_.wake_all();
  putters_.wake_all();
}

void AnyQueue::items_discarded() noexcept {
  unfinished_ -= size_ < unfinished_ ? size_ : unfinished_;
  size_ = 0;
  if (unfinished_ == 0) finished_.set();
}

void AnyQueue::refuse_item() const {
  if (shut_down_) throw QueueShutDown();
  throw QueueFull();
}

void AnyQueue::refuse_request() const {
  if (shut_down_) throw QueueShutDown();
  throw QueueEmpty();
}

std::string to_string(const AnyQueue& queue) {
  std::string text = absl::StrCat("<asyncio::Queue maxsize=", queue.maxsize());
  const auto add = [&](const char* name, std::size_t count) {
    if (count > 0) absl::StrAppend(&text, " ", name, "=", count);
  };
  add("items", queue.qsize());
  add("getters", queue.getters_.size());
  add("putters", queue.putters_.size());
  add("tasks", queue.unfinished_);
  if (queue.shut_down_) text += " shutdown";
  return text + ">";
}

}  // namespace asyncio
