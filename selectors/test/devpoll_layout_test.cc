// The numbers of /dev/poll are those of Solaris, and so are the ones it shares with poll(2).

#include <poll.h>

#include <cstddef>

#include "gtest/gtest.h"
#include "selectors/src/devpoll_api.h"

namespace asyncio {
namespace {

// From Debian 12's golang-1.19-src (1.19.8-2), zerrors_solaris_amd64.go and
// ztypes_solaris_amd64.go, and librust-libc-dev (0.2.139-1), src/unix/solarish/mod.rs.
TEST(DevpollLayoutTest, PollfdAndItsEventsAreThoseOfSolarisHereToo) {
  EXPECT_EQ(POLLIN, 0x1);
  EXPECT_EQ(POLLPRI, 0x2);
  EXPECT_EQ(POLLOUT, 0x4);
  EXPECT_EQ(POLLERR, 0x8);
  EXPECT_EQ(POLLHUP, 0x10);
  EXPECT_EQ(POLLNVAL, 0x20);
  EXPECT_EQ(sizeof(pollfd), 8U);
  EXPECT_EQ(offsetof(pollfd, fd), 0U);
  EXPECT_EQ(offsetof(pollfd, events), 4U);
  EXPECT_EQ(offsetof(pollfd, revents), 6U);
}

// No generated table has these: they follow poll(7D). On Solaris devpoll_api.h compares them with
// the system's own.
TEST(DevpollLayoutTest, ItsOwnNumbersAreThoseOfTheManual) {
  EXPECT_EQ(kDevpollRemove, 0x0800);
  EXPECT_EQ(kDevpollWait, (0xD0 << 8) | 1);
  EXPECT_EQ(kDevpollIsPolled, (0xD0 << 8) | 2);
  EXPECT_EQ(sizeof(DevpollWait), 24U);
  EXPECT_EQ(offsetof(DevpollWait, dp_fds), 0U);
  EXPECT_EQ(offsetof(DevpollWait, dp_nfds), 8U);
  EXPECT_EQ(offsetof(DevpollWait, dp_timeout), 16U);
}

#ifdef POLLREMOVE
TEST(DevpollLayoutTest, TheMacroOfThisSystemWouldBeWrong) {
#if defined(__linux__)
  EXPECT_NE(kDevpollRemove, POLLREMOVE);
#else
  EXPECT_EQ(kDevpollRemove, POLLREMOVE);
#endif
}
#endif

}  // namespace
}  // namespace asyncio
