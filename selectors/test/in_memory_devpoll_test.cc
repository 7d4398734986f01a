// The manual page poll(7D), rule by rule.

#include "selectors/src/in_memory_devpoll.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/src/devpoll_api.h"
#include "selectors/test/ends.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

class InMemoryDevpollTest : public ::testing::Test {
 protected:
  ~InMemoryDevpollTest() override { kernel_.close(device_); }

  void write(std::initializer_list<pollfd> changes) {
    const std::span<const pollfd> all(changes.begin(), changes.size());
    EXPECT_EQ(kernel_.write(device_, all), static_cast<ssize_t>(all.size_bytes()));
  }

  // DP_POLL with this much room.
  int poll(std::span<pollfd> room, int timeout) {
    DevpollWait wait{};
    wait.dp_fds = room.data();
    wait.dp_nfds = room.size();
    wait.dp_timeout = timeout;
    return kernel_.ioctl(device_, kDevpollWait, &wait);
  }

  // Who is ready for what.
  std::vector<std::pair<int, short>> look(std::size_t room = 8) {
    std::vector<pollfd> results(room);
    results.resize(static_cast<std::size_t>(check(poll(results, 0), "ioctl")));
    std::vector<std::pair<int, short>> ready;
    for (const pollfd& result : results) ready.emplace_back(result.fd, result.revents);
    return ready;
  }

  InMemoryDevpoll kernel_;
  const int device_ = check(kernel_.open(kDevpollPath, O_RDWR | O_CLOEXEC), "open");
  Ends ends_ = socket_pair();
  const int fd_ = ends_.here.get();
};

// The set.

TEST_F(InMemoryDevpollTest, WatchesWhatIsWritten) {
  write({{fd_, POLLOUT, 0}, {ends_.there.get(), POLLIN, 0}});
  EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLOUT)));
}

TEST_F(InMemoryDevpollTest, AddsTheEventsOfASecondWrite) {
  write({{fd_, POLLIN, 0}});
  write({{fd_, POLLOUT, 0}});
  send_byte(ends_.there);
  EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLIN | POLLOUT)));
}

TEST_F(InMemoryDevpollTest, RemovesAndAddsInOneWrite) {
  write({{fd_, POLLOUT, 0}});
  write({{fd_, kDevpollRemove, 0}, {fd_, POLLIN, 0}});
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(InMemoryDevpollTest, RemovesOnlyIfTheEventsAreExactlyThat) {
  write({{fd_, POLLOUT, 0}});
  write({{fd_, static_cast<short>(kDevpollRemove | POLLIN), 0}});
  EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLOUT)));
  write({{fd_, kDevpollRemove, 0}});
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(InMemoryDevpollTest, RemovingWhatIsAbsentIsNoError) {
  write({{fd_, kDevpollRemove, 0}, {999'999'999, kDevpollRemove, 0}, {-1, kDevpollRemove, 0}});
}

TEST_F(InMemoryDevpollTest, RefusesNoNumber) {
  ends_.here.close();
  write({{fd_, POLLIN, 0}, {-1, POLLIN, 0}, {999'999'999, POLLIN, 0}});
  EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLNVAL)));
}

TEST_F(InMemoryDevpollTest, KeepsAClosedDescriptorUntilItIsRemoved) {
  write({{fd_, POLLIN, 0}});
  ends_.here.close();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLNVAL)));
  write({{fd_, kDevpollRemove, 0}});
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(InMemoryDevpollTest, WatchesTheNewOwnerOfANumber) {
  write({{fd_, POLLIN, 0}});
  const Ends others = socket_pair();
  send_byte(others.there);
  check(::dup2(others.here.get(), fd_), "dup2");
  EXPECT_THAT(look(), ElementsAre(Pair(fd_, POLLIN)));
}

TEST_F(InMemoryDevpollTest, TellsWhetherADescriptorIsInTheSet) {
  pollfd asked = {fd_, 0, 0};
  EXPECT_EQ(kernel_.ioctl(device_, kDevpollIsPolled, &asked), 0);
  write({{fd_, POLLIN, 0}});
  EXPECT_EQ(kernel_.ioctl(device_, kDevpollIsPolled, &asked), 1);
  EXPECT_EQ(asked.revents, POLLIN);
}

// Waiting.

TEST_F(InMemoryDevpollTest, WhatDoesNotFitComesWithTheNextCalls) {
  const Ends others = socket_pair();
  const std::set<int> all = {fd_, ends_.there.get(), others.here.get(), others.there.get()};
  for (const int fd : all) write({{fd, POLLOUT, 0}});
  std::set<int> seen;
  for (int i = 0; i < 4; ++i) seen.insert(look(1)[0].first);
  EXPECT_EQ(seen, all);
}

TEST_F(InMemoryDevpollTest, WithoutRoomForResultsOnlySleeps) {
  write({{fd_, POLLOUT, 0}});
  const Clock::time_point start = Clock::now();
  EXPECT_EQ(poll({}, 20), 0);
  EXPECT_GE(Clock::now() - start, 20ms);
}

TEST_F(InMemoryDevpollTest, WaitsOutItsTimeout) {
  std::array<pollfd, 1> room;
  const Clock::time_point start = Clock::now();
  EXPECT_EQ(poll(room, 20), 0);
  EXPECT_GE(Clock::now() - start, 20ms);
}

TEST_F(InMemoryDevpollTest, RefusesMoreRoomThanTheProcessMayHaveDescriptors) {
  rlimit limit;
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  std::vector<pollfd> room(limit.rlim_cur + 1);
  EXPECT_EQ(poll(room, 0), -1);
  EXPECT_EQ(last_error(), EINVAL);
  EXPECT_EQ(poll(std::span(room).first(limit.rlim_cur), 0), 0);
}

TEST_F(InMemoryDevpollTest, ASignalInterruptsAWait) {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  struct sigaction old;
  check(::sigaction(SIGALRM, &action, &old), "sigaction");
  const itimerval again_and_again = {{0, 5'000}, {0, 5'000}};
  check(::setitimer(ITIMER_REAL, &again_and_again, nullptr), "setitimer");
  std::array<pollfd, 1> room;
  EXPECT_EQ(poll(room, -1), -1);
  EXPECT_EQ(last_error(), EINTR);
  const itimerval never{};
  check(::setitimer(ITIMER_REAL, &never, nullptr), "setitimer");
  check(::sigaction(SIGALRM, &old, nullptr), "sigaction");
}

// The device itself.

TEST_F(InMemoryDevpollTest, OpensOnlyItsOwnPathForReadingAndWriting) {
  EXPECT_EQ(kernel_.open("/dev/null", O_RDWR), -1);
  EXPECT_EQ(last_error(), ENOENT);
  EXPECT_EQ(kernel_.open(kDevpollPath, O_RDONLY), -1);
  EXPECT_EQ(last_error(), EINVAL);
}

TEST_F(InMemoryDevpollTest, ForkedChildrenMayNotUseIt) {
  write({{fd_, POLLOUT, 0}});
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    std::array<pollfd, 1> room = {{{fd_, POLLOUT, 0}}};
    const bool refused_to_write = kernel_.write(device_, room) == -1 && last_error() == EACCES;
    const bool refused_to_wait = poll(room, 0) == -1 && last_error() == EACCES;
    ::_exit(refused_to_write && refused_to_wait && ::fcntl(device_, F_GETFD) != -1 ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

TEST_F(InMemoryDevpollTest, HasItsOwnSetInEachDevice) {
  const int other = check(kernel_.open(kDevpollPath, O_RDWR), "open");
  const pollfd change = {fd_, POLLOUT, 0};
  kernel_.write(other, std::span(&change, 1));
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_EQ(kernel_.close(other), 0);
  EXPECT_EQ(kernel_.write(other, std::span(&change, 1)), -1);
  EXPECT_EQ(last_error(), EBADF);
}

TEST_F(InMemoryDevpollTest, KnowsNoOtherRequests) {
  EXPECT_EQ(kernel_.ioctl(device_, 0xD0FF, nullptr), -1);
  EXPECT_EQ(last_error(), EINVAL);
}

}  // namespace
}  // namespace asyncio
