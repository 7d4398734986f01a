// AnyQueue: what a queue is without the type of its items. Sizes, who waits, the end of the work.
#ifndef ASYNCIO_SYNC_ANY_QUEUE_H_
#define ASYNCIO_SYNC_ANY_QUEUE_H_

#include <cstddef>
#include <exception>
#include <string>

#include "asyncio/sync/event.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/sync/loop_binding.h"
#include "asyncio/sync/wait_queue.h"

namespace asyncio {

// There is no item for get_nowait().
//
// Python counterpart: asyncio.QueueEmpty.
class QueueEmpty : public std::exception {
 public:
  const char* what() const noexcept override { return "the queue is empty"; }
};

// There is no room for put_nowait().
//
// Python counterpart: asyncio.QueueFull.
class QueueFull : public std::exception {
 public:
  const char* what() const noexcept override { return "the queue is full"; }
};

// The queue takes no more items, or has no more and gets none.
//
// Python counterpart: asyncio.QueueShutDown.
class QueueShutDown : public std::exception {
 public:
  const char* what() const noexcept override { return "the queue is shut down"; }
};

// Belongs to the first loop on which a task has to wait for it. May be destroyed while tasks wait:
// those that have been woken fail with std::runtime_error, the others wait until they are
// cancelled.
class AnyQueue {
 public:
  AnyQueue(const AnyQueue&) = delete;
  AnyQueue& operator=(const AnyQueue&) = delete;

  // How many items it takes; zero or less: any number.
  std::ptrdiff_t maxsize() const noexcept { return maxsize_; }

  // Items in it.
  std::size_t qsize() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return maxsize_ > 0 && size_ >= static_cast<std::size_t>(maxsize_); }

  // An item that was got has been dealt with. When there have been as many calls as puts, those in
  // join() are woken. Throws std::invalid_argument ("task_done() called too many times").
  void task_done();

  // `co_await queue.join()` waits until every item ever put has been got and dealt with. No turn
  // passes if none is unfinished; else the task resumes in the turn after the last task_done(),
  // even if there are new items by then. On cancellation nothing is lost. Throws std::runtime_error
  // if it would wait and the queue is bound to a different event loop.
  InLine<Event> join() noexcept { return finished_.wait(); }

 protected:
  explicit AnyQueue(std::ptrdiff_t maxsize) : maxsize_(maxsize) { finished_.set(); }
  ~AnyQueue() = default;

  // Whether put and get need not wait; they may fail.
  bool may_put() const noexcept { return !full() || shut_down_; }
  bool may_get() const noexcept { return !empty() || shut_down_; }

  // Where they wait until they need not.
  WaitQueue& putters() noexcept { return putters_; }
  WaitQueue& getters() noexcept { return getters_; }

  // Comes before a wait. Throws std::runtime_error if the queue is bound to a different event loop.
  void bind();

  // Throw QueueShutDown, QueueFull or QueueEmpty.
  void require_room() const {
    if (shut_down_ || full()) refuse_item();
  }
  void require_item() const {
    if (empty()) refuse_request();
  }

  // To be called after an item has come or gone: wakes a task that waits for that.
  void item_came() noexcept {
    ++size_;
    ++unfinished_;
    finished_.clear();
    getters_.wake_first();
  }
  void item_went() noexcept {
    --size_;
    putters_.wake_first();
  }

  // From now on: no items come. Everybody who waits to put or get is woken to see that.
  void shut_down() noexcept;
  // All items are gone, and count as dealt with.
  void items_discarded() noexcept;

 private:
  friend std::string to_string(const AnyQueue& queue);

  [[noreturn]] void refuse_item() const;
  [[noreturn]] void refuse_request() const;

  WaitQueue getters_;
  WaitQueue putters_;
  Event finished_;  // set while nothing is unfinished
  LoopBinding loop_;
  std::ptrdiff_t maxsize_;
  std::size_t size_ = 0;
  std::size_t unfinished_ = 0;  // put, and not yet dealt with
  bool shut_down_ = false;
};

// "<asyncio::Queue maxsize=3 items=1 getters=1 putters=2 tasks=1 shutdown>", without what is none.
//
// Python counterpart: repr().
std::string to_string(const AnyQueue& queue);

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_ANY_QUEUE_H_
