// Queue, LifoQueue, PriorityQueue: items from tasks that have them to tasks that want them.
//
//   Queue<Job> jobs({.maxsize = 100});
//
//   co_await jobs.put(std::move(job));   // waits while it is full
//   Job job = co_await jobs.get();       // waits while it is empty
//   jobs.task_done();
//   co_await jobs.join();                // until all that was put is done
//   jobs.shutdown();                     // nothing more will be put
//
// For tasks of one loop, not for threads. Items need only be movable. Neither waiting nor going on
// allocates anything, and no turn passes when there is nothing to wait for. Those who wait are
// woken first come first, one for each item or room, and look again when it is their turn to run:
// somebody who came later may have been faster, and then they wait again, at the end of the line.
#ifndef ASYNCIO_SYNC_QUEUE_H_
#define ASYNCIO_SYNC_QUEUE_H_

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include "asyncio/sync/any_queue.h"
#include "asyncio/sync/queue_storage.h"
#include "asyncio/sync/until_ready.h"
#include "asyncio/sync/wait_queue.h"

namespace asyncio {

struct QueueOptions {
  std::ptrdiff_t maxsize = 0;  // how many items it takes; zero or less: any number
};
static_assert(std::is_trivially_copyable_v<QueueOptions>);

struct QueueShutdownOptions {
  bool immediate = false;  // drops the items that are in the queue, as if they were done
};
static_assert(std::is_trivially_copyable_v<QueueShutdownOptions>);

template <class Q>
class QueueGet;
template <class Q>
class QueuePut;

// Python counterpart: asyncio.Queue.
template <class T, QueueStorage<T> Storage = FifoStorage<T>>
class Queue : public AnyQueue {
 public:
  using Item = T;

  explicit Queue(std::ptrdiff_t maxsize = 0) : AnyQueue(maxsize) {}
  explicit Queue(QueueOptions options) : AnyQueue(options.maxsize) {}
  template <std::floating_point F>
  explicit Queue(F maxsize) = delete;  // a queue takes a whole number of items

  // `co_await queue.put(item)` waits while the queue is full, and puts the item. No turn passes if
  // there is room; else the task resumes in the turn after a get. Throws QueueShutDown;
  // std::runtime_error if it would wait and the queue is bound to a different event loop. On
  // cancellation, and on any error, the item has not been put: it is dropped with what put()
  // returned, which may be kept and awaited again. Room that had been given to the task goes to the
  // next.
  QueuePut<Queue> put(T item) { return QueuePut<Queue>(*this, std::move(item)); }

  // `T item = co_await queue.get()` waits while the queue is empty, and takes the next item. No
  // turn passes if there is one; else the task resumes in the turn after a put. Throws
  // QueueShutDown once the queue is shut down and empty; std::runtime_error if it would wait and
  // the queue is bound to a different event loop. On cancellation no item has been taken: one for
  // which the task had been woken goes to the next.
  QueueGet<Queue> get() noexcept { return QueueGet<Queue>(*this); }

  // Throws QueueShutDown or QueueFull; the item is then dropped.
  void put_nowait(T item) {
    require_room();
    storage_.put(std::move(item));
    item_came();
  }

  // Throws QueueEmpty, or QueueShutDown if the queue is shut down and empty.
  T get_nowait() {
    require_item();
    T item = storage_.get();
    item_went();
    return item;
  }

  // From now on nothing can be put, and all who wait to put get QueueShutDown next turn. What is in
  // the queue can be got; after that, getting throws QueueShutDown, also for those who wait for it
  // now. With `immediate` the items in the queue are dropped and count as done, which may wake
  // those in join(); items got before still need their task_done(). May be called again.
  void shutdown(QueueShutdownOptions options = {}) {
    Storage dropped;
    if (options.immediate) {
      std::swap(dropped, storage_);
      items_discarded();
    }
    shut_down();
  }

 private:
  friend class QueueGet<Queue>;
  friend class QueuePut<Queue>;

  Storage storage_;
};

// The item put last comes first.
//
// Python counterpart: asyncio.LifoQueue.
template <class T>
using LifoQueue = Queue<T, LifoStorage<T>>;

// The smallest item comes first; equal ones in any order.
//
// Python counterpart: asyncio.PriorityQueue.
template <class T, class Less = std::less<T>>
using PriorityQueue = Queue<T, PriorityStorage<T, Less>>;

// What get() returns: await it, or hand it to whoever takes an awaitable. Nothing happens before.
template <class Q>
class [[nodiscard("nothing is taken unless it is awaited")]] QueueGet {
 public:
  explicit QueueGet(Q& queue) noexcept : queue_(&queue) {}

  auto operator co_await() noexcept { return UntilReady<QueueGet>(*this); }

 private:
  friend class UntilReady<QueueGet>;

  bool ready() const noexcept { return queue_->may_get(); }
  void bind() { queue_->bind(); }
  WaitQueue& line() noexcept { return queue_->getters(); }
  typename Q::Item finish() { return queue_->get_nowait(); }

  Q* queue_;
};

// What put() returns: await it, or hand it to whoever takes an awaitable. Nothing happens before.
template <class Q>
class [[nodiscard("nothing is put unless it is awaited")]] QueuePut {
 public:
  using Item = typename Q::Item;

  QueuePut(Q& queue, Item item) : queue_(&queue), item_(std::move(item)) {}

  auto operator co_await() noexcept { return UntilReady<QueuePut>(*this); }

 private:
  friend class UntilReady<QueuePut>;

  bool ready() const noexcept { return queue_->may_put(); }
  void bind() { queue_->bind(); }
  WaitQueue& line() noexcept { return queue_->putters(); }
  void finish() {
    queue_->require_room();
    queue_->storage_.put(std::move(item_));
    queue_->item_came();
  }

  Q* queue_;
  Item item_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_QUEUE_H_
