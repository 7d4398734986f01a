// In which order a queue gives back its items: first in first out, last in first out, smallest
// first.
//
// None of them frees memory while it is used, so that a queue that has been as full before does not
// allocate.
#ifndef ASYNCIO_SYNC_QUEUE_STORAGE_H_
#define ASYNCIO_SYNC_QUEUE_STORAGE_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"

namespace asyncio {

// What a Queue keeps its items in. get() is called only if there is one. Python's hooks, `_init`,
// `_put` and `_get`, are the constructor and these.
template <class S, class T>
concept QueueStorage =
    std::default_initializable<S> && std::movable<S> && requires(S& storage, T item) {
      storage.put(std::move(item));
      { storage.get() } -> std::same_as<T>;
    };

// A ring that doubles when it is full.
template <class T>
class FifoStorage {
 public:
  FifoStorage() = default;
  FifoStorage(FifoStorage&& other) noexcept { swap(other); }
  FifoStorage& operator=(FifoStorage&& other) noexcept {
    FifoStorage(std::move(other)).swap(*this);
    return *this;
  }
  ~FifoStorage() {
    while (size_ > 0) drop_first();
    if (capacity_ > 0) std::allocator<T>().deallocate(slots_, capacity_);
  }

  void put(T item) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    std::construct_at(&slot(size_), std::move(item));
    ++size_;
  }

  T get() {
    const DropFirst drop(*this);
    return std::move(slot(0));
  }

 private:
  struct DropFirst {
    explicit DropFirst(FifoStorage& ring) : storage(ring) {}
    ~DropFirst() { storage.drop_first(); }
    FifoStorage& storage;
  };

  // The item that has `index` others before it. The capacity is a power of two.
  T& slot(std::size_t index) noexcept { return slots_[(first_ + index) & (capacity_ - 1)]; }

  void drop_first() noexcept {
    std::destroy_at(&slot(0));
    ++first_;
    --size_;
  }

  ABSL_ATTRIBUTE_NOINLINE void grow() {
    FifoStorage larger;
    larger.capacity_ = capacity_ > 0 ? 2 * capacity_ : 8;
    larger.slots_ = std::allocator<T>().allocate(larger.capacity_);
    for (; larger.size_ < size_; ++larger.size_) {
      std::construct_at(&larger.slots_[larger.size_], std::move_if_noexcept(slot(larger.size_)));
    }
    larger.swap(*this);
  }

  void swap(FifoStorage& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(capacity_, other.capacity_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

  T* slots_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;  // counts on; its place is the remainder
  std::size_t size_ = 0;
};

// A stack.
template <class T>
class LifoStorage {
 public:
  void put(T item) { items_.push_back(std::move(item)); }

  T get() {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
};

// A heap with the smallest item, as `Less` has it, on top. Items that are equal come in any order.
template <class T, class Less = std::less<T>>
class PriorityStorage {
 public:
  void put(T item) {
    items_.push_back(std::move(item));
    std::push_heap(items_.begin(), items_.end(), greater);
  }

  T get() {
    std::pop_heap(items_.begin(), items_.end(), greater);
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  static bool greater(const T& a, const T& b) { return Less()(b, a); }

  std::vector<T> items_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_QUEUE_STORAGE_H_
