// Warm futures and waiters do not touch the heap. Alone in its program because it replaces operator
// new; under sanitizers the block pool hands every request to the heap, so there is nothing to
// count.

#include <cstddef>
#include <cstdlib>
#include <new>

#include "absl/base/config.h"
#include "asyncio/events/runnable.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "gtest/gtest.h"

#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_MEMORY_SANITIZER) && \
    !defined(ABSL_HAVE_THREAD_SANITIZER)

static std::size_t allocations = 0;

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace asyncio {
namespace {

class Sleeper final : public Runnable {
 public:
  void run() override { ++resumed; }
  int resumed = 0;
};

class FutureAllocationTest : public ::testing::Test {
 protected:
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  template <class Action>
  std::size_t allocations_of(Action action) {
    for (int i = 0; i < 9; ++i) action();
    const std::size_t before = allocations;
    action();
    return allocations - before;
  }

  SelectorEventLoop loop_;
  Sleeper sleeper_;
};

TEST(AllocationCountTest, Counts) {
  const std::size_t before = allocations;
  delete new volatile int(0);
  EXPECT_GT(allocations, before);
}

TEST_F(FutureAllocationTest, AFutureThatIsAwaitedAllocatesNothing) {
  EXPECT_EQ(allocations_of([&] {
              const Future<int> future(loop_);
              future.state().park(sleeper_);
              future.set_result(1);
              turn();
              EXPECT_EQ(future.result(), 1);
            }),
            0U);
  EXPECT_EQ(sleeper_.resumed, 10);
}

TEST_F(FutureAllocationTest, AWaiterAllocatesNothing) {
  EXPECT_EQ(allocations_of([&] {
              Waiter waiter;
              waiter.park(loop_, sleeper_);
              waiter.wake();
              turn();
            }),
            0U);
  EXPECT_EQ(sleeper_.resumed, 10);
}

}  // namespace
}  // namespace asyncio

#endif
