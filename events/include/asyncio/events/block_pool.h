// Memory for what comes and goes with every call: handles, futures, tasks and coroutine frames.
//
// Each thread keeps the blocks it has freed, in lists by size, most recently used first, so that in
// steady state nothing reaches the heap and the next block is still in cache. A block may be freed
// on another thread than the one that took it; it then stays with that thread.
//
// Under ASan, MSan and TSan every request goes to the heap, so that a use after free is seen.
#ifndef ASYNCIO_EVENTS_BLOCK_POOL_H_
#define ASYNCIO_EVENTS_BLOCK_POOL_H_

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "absl/base/config.h"

namespace asyncio::internal {

// At least `size` bytes, aligned as operator new aligns. Requests over 2 KiB are the heap's own.
// Throws std::bad_alloc.
inline void* allocate_block(std::size_t size);

// Gives a block back. `size` must be what was asked for.
inline void deallocate_block(void* block, std::size_t size) noexcept;

// Derive from this to be allocated from the pool by plain `new` and `delete`.
class Pooled {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    deallocate_block(block, size);
  }
};

// Implementation.

// The free blocks of a thread. Trivially initialised, so that touching it costs no guard.
class BlockPool {
 public:
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_MEMORY_SANITIZER) || \
    defined(ABSL_HAVE_THREAD_SANITIZER)
  static constexpr std::size_t kLargest = 0;
#else
  static constexpr std::size_t kLargest = 2048;
#endif

  // Zero, too, has no class: its block could not be linked.
  static bool serves(std::size_t size) { return size - 1 < kLargest; }

  // REQUIRES: serves(size).
  void* take(std::size_t size) {
    Block*& list = free_by_class_[class_of(size)];
    if (list == nullptr) return ::operator new(class_of(size) * kStep);
    return std::exchange(list, list->next);
  }
  void give(void* block, std::size_t size) noexcept {
    if (!has_janitor_) hire_janitor();
    Block*& list = free_by_class_[class_of(size)];
    list = ::new (block) Block{list};
  }

 private:
  friend struct BlockPoolJanitor;

  struct Block {
    Block* next;
  };
  static constexpr std::size_t kStep = 16;

  static std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }

  // Makes the calling thread empty its pool when it ends.
  void hire_janitor() noexcept;

  std::array<Block*, kLargest / kStep + 1> free_by_class_;
  bool has_janitor_;
};
extern constinit thread_local BlockPool block_pool;

inline void* allocate_block(std::size_t size) {
  return BlockPool::serves(size) ? block_pool.take(size) : ::operator new(size);
}

inline void deallocate_block(void* block, std::size_t size) noexcept {
  BlockPool::serves(size) ? block_pool.give(block, size) : ::operator delete(block);
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_BLOCK_POOL_H_
