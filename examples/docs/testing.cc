// How to test code that waits.

#include <chrono>
#include <stdexcept>
#include <string>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_testing {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

// [code]
// Tries until the attempt numbered `good`, after pauses of 1 s, 2 s, 4 s and so on.
Coro<int> try_until(int good) {
  int attempt = 1;
  for (auto pause = 1s; attempt < good; ++attempt, pause *= 2) co_await asyncio::sleep(pause);
  co_return attempt;
}
// [code]

// [virtual]
TEST(RetryTest, PausesTwiceAsLongEachTime) {
  asyncio::testing::TestLoop loop;
  const asyncio::TimePoint start = loop.time();
  EXPECT_EQ(asyncio::run_until_complete(loop, try_until(4)), 4);
  EXPECT_EQ(loop.time() - start, 7s);
}
// [virtual]

// [run]
TEST(RetryTest, TriesForDays) { EXPECT_EQ(asyncio::testing::run(try_until(20)), 20); }
// [run]

// [exceptions]
TEST(WatchTest, LosesNoException) {
  asyncio::testing::TestLoop loop;
  std::string reported;
  loop.set_exception_handler([&](asyncio::EventLoop&, const asyncio::ExceptionContext& context) {
    reported = context.message;
  });
  loop.call_soon([] { throw std::runtime_error("oops"); });
  asyncio::run_until_complete(loop, try_until(2));
  EXPECT_EQ(reported, "Exception in callback");
}
// [exceptions]

}  // namespace
}  // namespace docs_testing
