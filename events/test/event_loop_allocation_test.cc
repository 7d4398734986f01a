// A warm loop does not touch the heap. Alone in its program because it replaces operator new. Under
// sanitizers the block pool hands every request to the heap, so there the counts only show that.

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "asyncio/events/block_pool.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/selector_event_loop.h"
#include "gtest/gtest.h"

#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_MEMORY_SANITIZER) && \
    !defined(ABSL_HAVE_THREAD_SANITIZER)

#include <atomic>

static std::atomic<std::size_t> allocations{0};
static std::atomic<std::size_t> releases{0};

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  releases += memory != nullptr;
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  releases += memory != nullptr;
  std::free(memory);
}

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class EventLoopAllocationTest : public ::testing::Test {
 protected:
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  // How often `action` reaches the heap when it is done for the tenth time.
  template <class Action>
  std::size_t allocations_of(Action action) {
    for (int i = 0; i < 9; ++i) action();
    const std::size_t before = allocations;
    action();
    return allocations - before;
  }

  SelectorEventLoop loop_;
};

TEST(AllocationCountTest, Counts) {
  const std::size_t before = allocations;
  delete new volatile int(0);
  EXPECT_GT(allocations, before);
}

TEST_F(EventLoopAllocationTest, CallSoonAllocatesNothing) {
  int runs = 0;
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) loop_.call_soon([&runs] { ++runs; });
              turn();
            }),
            0U);
  EXPECT_EQ(runs, 1000);
}

TEST_F(EventLoopAllocationTest, CallSoonWithAKeptHandleAllocatesNothing) {
  EXPECT_EQ(allocations_of([&] {
              Handle handle = loop_.call_soon([] {});
              Handle copy = handle;
              copy.cancel();
              turn();
            }),
            0U);
}

TEST_F(EventLoopAllocationTest, EnqueueAllocatesNothingAtAll) {
  struct Node final : Runnable {
    void run() override {}
  } node;
  turn();
  const std::size_t before = allocations;
  loop_.enqueue(node);
  turn();
  EXPECT_EQ(allocations, before);
}

TEST_F(EventLoopAllocationTest, ATimerSetAndCancelledAllocatesNothing) {
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) loop_.call_later(1h, [] {}).cancel();
            }),
            0U);
}

TEST_F(EventLoopAllocationTest, TimersThatFireAllocateNothing) {
  int runs = 0;
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) loop_.call_later(0s, [&runs] { ++runs; });
              turn();
            }),
            0U);
  EXPECT_EQ(runs, 1000);
}

TEST_F(EventLoopAllocationTest, ACancelledTimerLeavesNoMemoryBehind) {
  loop_.call_later(1h, [] {}).cancel();
  const std::size_t before = allocations;
  for (int i = 0; i < 100'000; ++i) loop_.call_later(1h, [] {}).cancel();
  EXPECT_EQ(allocations, before);
}

TEST(BlockPoolAllocationTest, AFreedBlockIsTheNextOneOfItsSizeOnItsThread) {
  void* one = internal::allocate_block(100);
  void* two = internal::allocate_block(100);
  internal::deallocate_block(one, 100);
  internal::deallocate_block(two, 100);
  const std::size_t before = allocations;
  EXPECT_EQ(internal::allocate_block(100), two);
  EXPECT_EQ(internal::allocate_block(100), one);
  EXPECT_EQ(allocations, before);
  internal::deallocate_block(one, 100);
  internal::deallocate_block(two, 100);
}

TEST(BlockPoolAllocationTest, LargeBlocksAreTheHeapsOwn) {
  const std::size_t before = releases;
  internal::deallocate_block(internal::allocate_block(2049), 2049);
  EXPECT_EQ(releases, before + 1);
}

TEST(BlockPoolAllocationTest, AThreadThatEndsGivesItsBlocksBack) {
  std::vector<void*> blocks(1000);
  const auto use = [&](bool allocate, bool release) {
    std::thread([&] {
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (allocate) blocks[i] = internal::allocate_block(i % 2000);
      }
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (release) internal::deallocate_block(blocks[i], i % 2000);
      }
    }).join();
  };
  use(true, true);
  const std::size_t held = allocations - releases;
  use(true, true);
  EXPECT_EQ(allocations - releases, held);
  use(true, false);  // taken on one thread,
  use(false, true);  // freed on another
  EXPECT_EQ(allocations - releases, held);
}

}  // namespace
}  // namespace asyncio

#endif
