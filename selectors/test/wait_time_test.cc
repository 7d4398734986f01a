#include "selectors/src/wait_time.h"

#include <chrono>
#include <limits>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

TEST(WaitTimeTest, RoundsMillisecondsUp) {
  EXPECT_EQ(to_milliseconds(0s), 0);
  EXPECT_EQ(to_milliseconds(1ns), 1);
  EXPECT_EQ(to_milliseconds(1ms), 1);
  EXPECT_EQ(to_milliseconds(1ms + 1ns), 2);
  EXPECT_EQ(to_milliseconds(24h), 86'400'000);
}

TEST(WaitTimeTest, WritesAnInfiniteLimitAsMinusOne) {
  EXPECT_EQ(to_milliseconds(Duration::infinite()), -1);
}

TEST(WaitTimeTest, CutsMillisecondsThatDoNotFit) {
  EXPECT_EQ(to_milliseconds(24h * 365), std::numeric_limits<int>::max());
}

TEST(WaitTimeTest, KeepsEveryNanosecond) {
  const timespec limit = to_timespec(2s + 3ns);
  EXPECT_EQ(limit.tv_sec, 2);
  EXPECT_EQ(limit.tv_nsec, 3);
  EXPECT_EQ(to_timespec(999'999'999ns).tv_nsec, 999'999'999);
}

}  // namespace
}  // namespace asyncio
