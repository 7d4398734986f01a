// Who owns what a coroutine refers to.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_lifetimes {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

// [borrows]
Coro<std::size_t> count(const std::string& text) {
  co_await asyncio::sleep(1ms);
  co_return text.size();
}

Coro<> await_in_place() {
  // The string lives until the end of this statement, and so does the wait.
  const std::size_t size = co_await count(std::string(1000, 'x'));
  EXPECT_EQ(size, 1000u);
}
// [borrows]

// [refused]
Coro<> start_what_borrows() {
  // The string would be gone before the task's first step.
  EXPECT_THROW(asyncio::create_task(count(std::string(1000, 'x'))), asyncio::BorrowedArgumentError);
  co_return;
}
// [refused]

// [owned]
Coro<> hand_over() {
  // The task owns the function and its argument.
  asyncio::Task<std::size_t> task = asyncio::create_task(count, std::string(1000, 'x'));
  EXPECT_EQ(co_await task, 1000u);
}
// [owned]

// [lambda]
Coro<> hand_over_a_lambda() {
  std::string text = "captured";
  auto job = [text]() -> Coro<std::size_t> {
    co_await asyncio::sleep(1ms);
    co_return text.size();
  };
  // Not job(): that coroutine would refer to the lambda, and the task would not own it.
  EXPECT_EQ(co_await asyncio::create_task(job), 8u);
}
// [lambda]

// [member]
class Counter {
 public:
  Coro<> count_to(int last) {
    while (count_ < last) {
      ++count_;
      co_await asyncio::sleep(1ms);
    }
  }
  int count() const { return count_; }

 private:
  int count_ = 0;
};

Coro<> call_a_member() {
  Counter counter;
  asyncio::Task<> task = asyncio::create_task(counter.count_to(3));
  co_await task;  // the counter must live until here: that much is up to you
  EXPECT_EQ(counter.count(), 3);
}
// [member]

TEST(LifetimesTest, Hold) {
  asyncio::run(await_in_place());
  asyncio::run(start_what_borrows());
  asyncio::run(hand_over());
  asyncio::run(hand_over_a_lambda());
  asyncio::run(call_a_member());
}

}  // namespace
}  // namespace docs_lifetimes
