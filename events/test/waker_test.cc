#include "asyncio/events/waker.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "asyncio/selectors/os_error.h"
#include "events/test/child_process.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"

namespace asyncio {
namespace {

bool readable(const Waker& waker) {
  pollfd entry = {waker.fileno(), POLLIN, 0};
  return check(::poll(&entry, 1, 0), "poll") == 1;
}

TEST(WakerTest, BecomesReadableByWakingUntilItIsAcknowledged) {
  const Waker waker;
  EXPECT_FALSE(readable(waker));
  waker.wake();
  EXPECT_TRUE(readable(waker));
  EXPECT_TRUE(readable(waker));
  waker.acknowledge();
  EXPECT_FALSE(readable(waker));
}

TEST(WakerTest, OneAcknowledgementAnswersAllWakeUps) {
  const Waker waker;
  for (int i = 0; i < 100; ++i) waker.wake();
  waker.acknowledge();
  EXPECT_FALSE(readable(waker));
}

TEST(WakerTest, AcknowledgingWithoutAWakeUpDoesNotBlock) {
  const Waker waker;
  waker.acknowledge();
  EXPECT_FALSE(readable(waker));
}

TEST(WakerTest, AFailedAcknowledgementIsNoError) {
  EXPECT_EQ(exit_code_of([] {
              const Waker waker;
              waker.wake();
              refuse_system_call(SYS_read, EIO);
              waker.acknowledge();
              return readable(waker) ? 0 : 1;
            }),
            0);
}

TEST(WakerTest, CanBeWokenByItsDescriptorAlone) {
  const Waker waker;
  Waker::wake(waker.fileno());
  EXPECT_TRUE(readable(waker));
}

TEST(WakerTest, KeepsTheLastErrorAndDoesNotBlockWhenFull) {
  const Waker waker;
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - 1;
  ASSERT_EQ(::write(waker.fileno(), &most, sizeof most), static_cast<ssize_t>(sizeof most));
  errno = ENOENT;
  waker.wake();
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(readable(waker));
}

}  // namespace
}  // namespace asyncio
