#include "asyncio/sync/any_queue.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace asyncio {

void AnyQueue::bind() { loop_.bind(*this); }

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
