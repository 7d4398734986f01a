// How to test what a cancellation leaves behind.

#include <chrono>
#include <optional>
#include <string>

#include "asyncio/asyncio.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace docs_test_cancellation {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

// [code]
struct Bank {
  int here = 100;
  int there = 0;
  asyncio::Lock lock;
};

Coro<> transfer(Bank* bank, int amount) {
  auto held = co_await asyncio::scoped(bank->lock);
  bank->here -= amount;
  co_await asyncio::sleep(10ms);  // tells the other bank
  bank->there += amount;
}
// [code]

// [bug]
TEST(TransferTest, LosesMoney) {
  std::optional<Bank> bank;
  auto scenario = [&]() -> Coro<> {
    bank.emplace();
    co_await transfer(&*bank, 30);
  };
  auto invariant = [&] { return bank->here + bank->there == 100; };
  try {
    asyncio::testing::cancel_at_every_await(scenario, invariant);
    FAIL() << "it does not, after all";
  } catch (const asyncio::testing::CancellationBug& bug) {
    EXPECT_THAT(bug.what(), testing::HasSubstr("cancelled at await 1, as it began to wait"));
    EXPECT_THAT(bug.what(), testing::HasSubstr("- the invariant does not hold"));
  }
}
// [bug]

// [fixed]
Coro<> transfer_or_not(Bank* bank, int amount) {
  auto held = co_await asyncio::scoped(bank->lock);
  co_await asyncio::sleep(10ms);  // tells the other bank
  bank->here -= amount;
  bank->there += amount;
}
// [fixed]

// [others]
TEST(TransferTest, LosesNothing) {
  std::optional<Bank> bank;
  auto scenario = [&]() -> Coro<> {
    bank.emplace();
    asyncio::create_task(transfer_or_not(&*bank, 1));  // is there before
    asyncio::create_task([&]() -> Coro<> {             // and one comes behind
      co_await asyncio::sleep(5ms);
      co_await transfer_or_not(&*bank, 2);
    });
    co_await asyncio::sleep(1ms);
    co_await transfer_or_not(&*bank, 30);
  };
  auto invariant = [&] { return bank->here + bank->there == 100 && !bank->lock.locked(); };
  EXPECT_EQ(asyncio::testing::cancel_at_every_await(scenario, invariant), 3);
}
// [others]

// [deadlock]
Coro<> lock_both(asyncio::Lock* first, asyncio::Lock* second) {
  auto outer = co_await asyncio::scoped(*first);
  co_await asyncio::sleep(1s);
  auto inner = co_await asyncio::scoped(*second);
}

TEST(DeadlockTest, TwoTasksLockInOppositeOrder) {
  asyncio::testing::TestLoop loop;
  asyncio::Lock a;
  asyncio::Lock b;
  auto first = asyncio::create_task(loop, lock_both(&a, &b), {.name = "first"});
  auto second = asyncio::create_task(loop, lock_both(&b, &a), {.name = "second"});
  try {
    asyncio::run_until_complete(loop, first);
    FAIL() << "they do not wait for each other";
  } catch (const asyncio::Deadlock& deadlock) {
    EXPECT_THAT(deadlock.what(), testing::HasSubstr("* Lock held by Task 'first'"));
    EXPECT_THAT(deadlock.what(), testing::HasSubstr("* Lock held by Task 'second'"));
  }
}
// [deadlock]

}  // namespace
}  // namespace docs_test_cancellation
