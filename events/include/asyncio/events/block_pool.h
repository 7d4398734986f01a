// Memory for what comes and goes with every call: handles, futures, tasks and coroutine frames.
//
// Each thread keeps the blocks it has freed, in lists by size, most recently used first, so that in
// steady state nothing reaches the heap and the next block is still in cache. A block may be freed
// on another thread than the one that took it; it then stays with that thread.
//
// Under ASan, MSan and TSan every request goes to the heap, so that a use after free is seen.
#ifndef ASYNCIO_EVENTS_BLOCK_POOL_H_
#define ASYNCIO_EVENTS_BLOCK_POOL_H_

#include <cstddef>

namespace asyncio::internal {

// At least `size` bytes, aligned as operator new aligns. Requests over 2 KiB are the heap's own.
// Throws std::bad_alloc.
void* allocate_block(std::size_t size);

// Gives a block back. `size` must be what was asked for.
void deallocate_block(void* block, std::size_t size) noexcept;

// Derive from this to be allocated from the pool by plain `new` and `delete`.
class Pooled {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    deallocate_block(block, size);
  }
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_BLOCK_POOL_H_
