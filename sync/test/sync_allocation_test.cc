// Warm locks and queues do not touch the heap, also if tasks have to wait. Alone in its program
// because it replaces operator new. Sanitizers own the heap and bypass our pools: under them it
// only compiles.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "absl/base/config.h"
#include "asyncio/sync/event.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/queue.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/sync/semaphore.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"

// Atomic, because a compiler may believe that operator new leaves a plain variable alone.
static constinit std::atomic<std::size_t> allocations{0};

// Sanitizers own the heap, and bypass the pool: there nothing is counted, and the waits are run.
#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

namespace asyncio {
namespace {

constexpr int kTimes = 100;

// What `work`, done kTimes, takes from the heap once warm.
template <class F>
std::size_t allocations_of(F work) {
  return run([&]() -> Coro<std::size_t> {
    co_await work();
    const std::size_t before = allocations;
    co_await work();
    co_return allocations - before;
  });
}

// The same for two tasks at once. Warm, tasks take nothing either.
template <class F>
std::size_t allocations_of_two(F one, F other) {
  return allocations_of([&]() -> Coro<> {
    auto first = create_task(one);
    auto second = create_task(other);
    co_await first;
    co_await second;
  });
}

TEST(SyncAllocationTest, WhatNeedsNoWaitingTakesNothing) {
  Lock lock;
  Semaphore semaphore;
  Queue<int> queue;
  Event event;
  event.set();
  EXPECT_EQ(allocations_of([&]() -> Coro<> {
              for (int i = 0; i < kTimes; ++i) {
                auto held = co_await scoped(lock);
                co_await semaphore.acquire();
                semaphore.release();
                co_await event.wait();
                co_await queue.put(i);
                const int item = co_await queue.get();
                EXPECT_EQ(item, i);
              }
            }),
            0U);
}

TEST(SyncAllocationTest, WaitingForALockTakesNothing) {
  Lock lock;
  const auto work = [&]() -> Coro<> {
    for (int i = 0; i < kTimes; ++i) {
      auto held = co_await scoped(lock);
      co_await sleep(Duration::zero());
    }
  };
  EXPECT_EQ(allocations_of_two(work, work), 0U);
}

TEST(SyncAllocationTest, WaitingForItemsAndRoomTakesNothing) {
  Queue<int> there(1);
  Queue<int> back(1);
  const auto work = [](Queue<int>* in, Queue<int>* out) {
    return [in, out]() -> Coro<> {
      for (int i = 0; i < kTimes; ++i) {
        co_await out->put(i);
        const int item = co_await in->get();
        EXPECT_EQ(item, i);
      }
    };
  };
  EXPECT_EQ(allocations_of_two(work(&back, &there), work(&there, &back)), 0U);
}

}  // namespace
}  // namespace asyncio
