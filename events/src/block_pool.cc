#include "asyncio/events/block_pool.h"

#include <array>
#include <new>

#include "absl/base/config.h"

namespace asyncio::internal {
namespace {

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_MEMORY_SANITIZER) || \
    defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr std::size_t kLargest = 0;
#else
constexpr std::size_t kLargest = 2048;
#endif
constexpr std::size_t kStep = 64;

struct Block {
  Block* next;
};

// Trivially initialised, so that touching it costs no guard; emptied by Janitor when the thread
// ends.
struct Pool {
  std::array<Block*, kLargest / kStep + 1> free_by_class;
};
constinit thread_local Pool pool{};

struct Janitor {
  Janitor() {}
  ~Janitor() {
    for (Block*& list : pool.free_by_class) {
      while (list != nullptr) {
        Block* block = list;
        list = block->next;
        ::operator delete(block);
      }
    }
  }
};

// Zero, too, has no class: its block could not be linked.
bool is_the_heaps(std::size_t size) { return size - 1 >= kLargest; }

std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }

// Makes this thread empty its pool when it ends. Called wherever a list is found empty, which every
// thread that pools anything does first; kept out of line so that the fast path stays small.
[[gnu::noinline]] void hire_janitor() {
  thread_local Janitor janitor;
  (void)janitor;
}

}  // namespace

void* allocate_block(std::size_t size) {
  if (is_the_heaps(size)) return ::operator new(size);
  const std::size_t size_class = class_of(size);
  Block*& list = pool.free_by_class[size_class];
  if (list == nullptr) {
    hire_janitor();
    return ::operator new(size_class * kStep);
  }
  Block* block = list;
  list = block->next;
  return block;
}

void deallocate_block(void* block, std::size_t size) noexcept {
  if (is_the_heaps(size)) return ::operator delete(block);
  Block*& list = pool.free_by_class[class_of(size)];
  if (list == nullptr) hire_janitor();
  list = ::new (block) Block{list};
}

}  // namespace asyncio::internal
