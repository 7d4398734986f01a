// Warm tasks do not touch the heap: their memory comes from the thread's blocks. Alone in its
// program because it replaces operator new. Under sanitizers the same work must reach the heap
// every time, or a use after free would go unseen; they listen to the heap themselves.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>

#include "absl/base/config.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "gtest/gtest.h"

// Atomic, because a compiler may believe that operator new leaves a plain variable alone.
static constinit std::atomic<std::size_t> allocations{0};

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)

#include <sanitizer/allocator_interface.h>

static void count_allocation(const volatile void*, std::size_t) { ++allocations; }
static void ignore_release(const volatile void*) {}
static const int counting =
    __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_release);
static constexpr bool kPooled = false;

#else

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

static constexpr bool kPooled = true;

#endif

namespace asyncio {
namespace {

using namespace std::chrono_literals;

// Volatile, so that no compiler calls a coroutine by its result.
volatile int seven = 7;

Coro<int> give() { co_return seven; }
Coro<> nothing() { co_return; }
Coro<int> nested(int n) {
  if (n == 0) co_return seven;
  co_return co_await nested(n - 1);
}

class Empty {
 public:
  Empty() {}
  void enter() {}
  Coro<> exit(std::exception_ptr) { co_return; }
};

TEST(AllocationCountTest, Counts) {
  const std::size_t before = allocations;
  const auto memory = std::make_unique<volatile int>(0);
  EXPECT_GT(allocations.load(), before);
}

class TaskAllocationTest : public ::testing::Test {
 protected:
  // What `work` takes from the heap once warm.
  template <class F>
  std::size_t allocations_of(F work) {
    return run([&]() -> Coro<std::size_t> {
      for (int i = 0; i < 100; ++i) co_await work();
      const std::size_t before = allocations;
      for (int i = 0; i < 100; ++i) co_await work();
      co_return allocations - before;
    });
  }

  // The work must not, or under sanitizers must, show in the heap.
  template <class F>
  void expect_pooled(F work) {
    if constexpr (kPooled) {
      EXPECT_EQ(allocations_of(work), 0U);
    } else {
      EXPECT_GE(allocations_of(work), 100U);
    }
  }
};

TEST_F(TaskAllocationTest, SpawnAndJoin) {
  expect_pooled([]() -> Coro<> { EXPECT_EQ(co_await create_task(give()), 7); });
}

TEST_F(TaskAllocationTest, SpawnAndJoinOfACallableWithArguments) {
  auto body = [](const int& number, int other) -> Coro<int> { co_return number + other; };
  expect_pooled([&]() -> Coro<> { EXPECT_EQ(co_await create_task(body, 3, 4), 7); });
}

TEST_F(TaskAllocationTest, AwaitingACoroutineThatIsReady) {
  expect_pooled([]() -> Coro<> {
    EXPECT_EQ(co_await give(), 7);
    co_await nothing();
  });
}

TEST_F(TaskAllocationTest, AwaitingNestedCoroutines) {
  expect_pooled([]() -> Coro<> { EXPECT_EQ(co_await nested(50), 7); });
}

TEST_F(TaskAllocationTest, SleepingAndLettingOthersRun) {
  expect_pooled([]() -> Coro<> {
    co_await sleep(0s);
    co_await sleep(1ns);
  });
}

TEST_F(TaskAllocationTest, FuturesAndTheirWaiters) {
  auto set = [](Future<int> future) -> Coro<> {
    future.set_result(seven);
    co_return;
  };
  expect_pooled([&]() -> Coro<> {
    Future<int> future;
    auto setter = create_task(set, future);
    EXPECT_EQ(co_await future, 7);
    EXPECT_EQ(co_await future, 7);
    co_await setter;
  });
}

TEST_F(TaskAllocationTest, WaitersWokenByOtherTasks) {
  auto wake = [](Waiter& waiter) -> Coro<> {
    waiter.wake();
    co_return;
  };
  expect_pooled([&]() -> Coro<> {
    Waiter waiter;
    auto waker = create_task(wake, std::ref(waiter));
    co_await waiter;
    co_await waker;
  });
}

TEST_F(TaskAllocationTest, ContextsAndTheirBodies) {
  expect_pooled([]() -> Coro<> {
    const int result = co_await with(Empty(), [](Empty&) -> Coro<int> { co_return seven; });
    EXPECT_EQ(result, 7);
  });
}

TEST_F(TaskAllocationTest, AThousandTasksAtOnceTakeNoMoreThanTheirFirstTime) {
  auto work = []() -> Coro<> {
    static Task<int>* tasks[1000];
    alignas(Task<int>) static std::byte memory[1000][sizeof(Task<int>)];
    for (int i = 0; i < 1000; ++i) tasks[i] = new (memory[i]) Task<int>(create_task(give()));
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(co_await *tasks[i], 7);
      tasks[i]->~Task<int>();
    }
  };
  expect_pooled(work);
}

}  // namespace
}  // namespace asyncio
