// The hand-written limit: what each operation costs when nothing but that operation is provided.
//
// One thread, one ready queue, coroutines with symmetric transfer and frames from a free list. No
// cancellation except where it is the subject, no names, no reference counts, no error handling, no
// protection against misuse. No library could be built on it; it is what ours is measured against.
#ifndef ASYNCIO_BENCHMARKS_RAW_H_
#define ASYNCIO_BENCHMARKS_RAW_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace benchmarks::raw {

// Ready queue.

struct Node {
  void (*run)(Node& self) = nullptr;
  Node* next = nullptr;
};

class Queue {
 public:
  bool empty() const { return first_ == nullptr; }

  void push(Node& node) {
    node.next = nullptr;
    *(first_ == nullptr ? &first_ : &last_->next) = &node;
    last_ = &node;
  }

  Node& pop() {
    Node& node = *first_;
    first_ = node.next;
    return node;
  }

  // Runs until nothing is due.
  void run() {
    while (!empty()) {
      Node& node = pop();
      node.run(node);
    }
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

inline constinit Queue ready;

// Posts from other threads.

// Writes its eventfd only when it was empty. Waits as somebody would who has sockets, too.
class Inbox {
 public:
  Inbox() {
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) < 0) std::terminate();
  }

  void post(Node& node) {
    bool was_empty;
    {
      const std::lock_guard lock(mutex_);
      was_empty = posted_.empty();
      posted_.push(node);
    }
    const std::uint64_t one = 1;
    if (was_empty && ::write(wake_fd_, &one, sizeof one) < 0) std::terminate();
  }

  // Waits until something has been posted and takes all of it.
  Queue wait() {
    epoll_event event;
    std::uint64_t count;
    if (::epoll_wait(epoll_fd_, &event, 1, -1) < 0) std::terminate();
    if (::read(wake_fd_, &count, sizeof count) < 0) std::terminate();
    const std::lock_guard lock(mutex_);
    return std::exchange(posted_, Queue());
  }

 private:
  const int wake_fd_ = ::eventfd(0, EFD_CLOEXEC);
  const int epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::mutex mutex_;
  Queue posted_;
};

// Timers.

struct Timer {
  explicit Timer(Node& action) : action(&action) {}

  Node* action;
  std::size_t index = 0;
};

// A 4-ary heap with the deadline in the entry, and a back index for removal.
class Timers {
 public:
  bool empty() const { return heap_.empty(); }

  void schedule(Timer& timer, std::int64_t when) {
    heap_.emplace_back();
    sift_up(heap_.size() - 1, {when, &timer});
  }

  void cancel(Timer& timer) { remove(timer.index); }

  // Makes due what is due at `now`.
  void fire(std::int64_t now) {
    while (!heap_.empty() && heap_.front().when <= now) ready.push(*remove(0));
  }

 private:
  struct Entry {
    std::int64_t when;
    Timer* timer;
  };

  Node* remove(std::size_t index) {
    Node* action = heap_[index].timer->action;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (index == heap_.size()) return action;
    if (index > 0 && last.when < heap_[(index - 1) / 4].when) {
      sift_up(index, last);
    } else {
      sift_down(index, last);
    }
    return action;
  }

  void place(std::size_t index, Entry entry) {
    heap_[index] = entry;
    entry.timer->index = index;
  }

  void sift_up(std::size_t index, Entry entry) {
    for (; index > 0 && entry.when < heap_[(index - 1) / 4].when; index = (index - 1) / 4) {
      place(index, heap_[(index - 1) / 4]);
    }
    place(index, entry);
  }

  void sift_down(std::size_t index, Entry entry) {
    const std::size_t size = heap_.size();
    for (std::size_t child = index * 4 + 1; child < size; child = index * 4 + 1) {
      std::size_t smallest = child;
      for (std::size_t i = child + 1; i < child + 4 && i < size; ++i) {
        if (heap_[i].when < heap_[smallest].when) smallest = i;
      }
      if (heap_[smallest].when >= entry.when) break;
      place(index, heap_[smallest]);
      index = smallest;
    }
    place(index, entry);
  }

  std::vector<Entry> heap_;
};

// Coroutines.

// Frames that have been freed, by size.
class FramePool {
 public:
  static void* allocate(std::size_t size) {
    Block*& list = free_[size / kStep];
    if (list == nullptr) return ::operator new((size / kStep + 1) * kStep);
    return std::exchange(list, list->next);
  }
  static void release(void* block, std::size_t size) {
    Block*& list = free_[size / kStep];
    list = ::new (block) Block{list};
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr std::size_t kStep = 64;
  static inline constinit thread_local std::array<Block*, 64> free_{};
};

// The frame of a coroutine: also a node of the ready queue, by which it is resumed.
struct Promise : Node {
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) { FramePool::release(frame, size); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> frame) const noexcept {
      return frame.promise().finish();
    }
    void await_resume() const noexcept {}
  };

  explicit Promise(std::coroutine_handle<> frame) : frame(frame) {
    run = [](Node& self) { static_cast<Promise&>(self).frame.resume(); };
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  // One who awaited this inline continues here; one who joins becomes due.
  std::coroutine_handle<> finish() noexcept {
    done = true;
    if (awaiting == nullptr) return std::noop_coroutine();
    if (!spawned) return awaiting->frame;
    ready.push(*awaiting);
    return std::noop_coroutine();
  }

  std::coroutine_handle<> frame;
  Promise* awaiting = nullptr;
  std::exception_ptr error;
  int value = 0;
  bool spawned = false;
  bool done = false;
};

// Awaited, it runs at once and resumes whoever awaits; spawned, it runs when it is due.
class [[nodiscard]] Coro {
 public:
  struct promise_type : Promise {
    promise_type() : Promise(std::coroutine_handle<promise_type>::from_promise(*this)) {}
    Coro get_return_object() { return Coro(*this); }
    void return_value(int result) { value = result; }
  };

  Coro(Coro&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  Coro& operator=(Coro&&) = delete;
  ~Coro() {
    if (promise_ != nullptr) promise_->frame.destroy();
  }

  // Makes it due.
  Coro spawn() && {
    promise_->spawned = true;
    ready.push(*promise_);
    return std::move(*this);
  }

  bool await_ready() const noexcept { return promise_->done; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<promise_type> awaiting) const noexcept {
    promise_->awaiting = &awaiting.promise();
    if (promise_->spawned) return std::noop_coroutine();
    return promise_->frame;
  }
  int await_resume() const {
    if (promise_->error != nullptr) std::rethrow_exception(std::move(promise_->error));
    return promise_->value;
  }

 private:
  explicit Coro(Promise& promise) : promise_(&promise) {}

  Promise* promise_;
};

// `co_await Yield()`: all that is due first.
struct Yield : std::suspend_always {
  void await_suspend(std::coroutine_handle<Coro::promise_type> frame) const noexcept {
    ready.push(frame.promise());
  }
};

// Set once, awaited by one.
class Event {
 public:
  void set() {
    set_ = true;
    if (waiting_ != nullptr) ready.push(*std::exchange(waiting_, nullptr));
  }
  void clear() { set_ = false; }

  bool await_ready() const noexcept { return set_; }
  void await_suspend(std::coroutine_handle<Coro::promise_type> frame) noexcept {
    waiting_ = &frame.promise();
  }
  void await_resume() const noexcept {}

 private:
  Promise* waiting_ = nullptr;
  bool set_ = false;
};

// A bounded queue of ints; one may wait to put, and one to get. `slots` is a power of two.
class Channel {
 public:
  Channel(std::size_t size, std::size_t slots) : size_(size), items_(slots) {}

  struct Put : std::suspend_always {
    bool await_ready() const noexcept { return channel.last_ - channel.first_ < channel.size_; }
    void await_suspend(std::coroutine_handle<Coro::promise_type> frame) const noexcept {
      channel.putter_ = &frame.promise();
    }
    void await_resume() const {
      channel.slot(channel.last_++) = item;
      wake(channel.getter_);
    }
    Channel& channel;
    int item;
  };

  struct Get : std::suspend_always {
    bool await_ready() const noexcept { return channel.first_ != channel.last_; }
    void await_suspend(std::coroutine_handle<Coro::promise_type> frame) const noexcept {
      channel.getter_ = &frame.promise();
    }
    int await_resume() const {
      wake(channel.putter_);
      return channel.slot(channel.first_++);
    }
    Channel& channel;
  };

  Put put(int item) { return {{}, *this, item}; }
  Get get() { return {{}, *this}; }

 private:
  static void wake(Promise*& waiting) {
    if (waiting != nullptr) ready.push(*std::exchange(waiting, nullptr));
  }
  int& slot(std::size_t index) { return items_[index & (items_.size() - 1)]; }

  const std::size_t size_;
  std::vector<int> items_;
  std::size_t first_ = 0;  // count on; a place is the remainder
  std::size_t last_ = 0;
  Promise* getter_ = nullptr;
  Promise* putter_ = nullptr;
};

// Handed over to the next in line, who runs when it is due.
class Lock {
 public:
  void release() {
    if (waiting_.empty()) {
      locked_ = false;
    } else {
      ready.push(waiting_.pop());
    }
  }

  // Await it to acquire the lock.
  bool await_ready() noexcept { return !std::exchange(locked_, true); }
  void await_suspend(std::coroutine_handle<Coro::promise_type> frame) noexcept {
    waiting_.push(frame.promise());
  }
  void await_resume() const noexcept {}

 private:
  Queue waiting_;
  bool locked_ = false;
};

struct Cancelled {};

// A sleep that can be cancelled; then it is over, and says so.
class Sleep {
 public:
  Sleep(Timers& timers, std::int64_t when, Sleep** self) : timers_(timers), when_(when) {
    *self = this;
  }

  void cancel() {
    cancelled_ = true;
    timers_.cancel(timer_);
    ready.push(*timer_.action);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<Coro::promise_type> frame) {
    timer_.action = &frame.promise();
    timers_.schedule(timer_, when_);
  }
  bool await_resume() const { return !cancelled_; }

 private:
  Timers& timers_;
  std::int64_t when_;
  Node none_;
  Timer timer_{none_};
  bool cancelled_ = false;
};

}  // namespace benchmarks::raw

#endif  // ASYNCIO_BENCHMARKS_RAW_H_
