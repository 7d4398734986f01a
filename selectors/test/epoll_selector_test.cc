#include "asyncio/selectors/epoll_selector.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

// A descriptor that is readable if `count` is not zero, and always writable.
FileDescriptor event(unsigned count) {
  return FileDescriptor(check(::eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

FileDescriptor duplicate(const FileDescriptor& fd) {
  return FileDescriptor(check(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
}

// Whether the kernel's set holds anything that is ready.
bool is_readable(int fd) {
  pollfd polled = {fd, POLLIN, 0};
  return check(::poll(&polled, 1, 0), "poll") == 1;
}

class EpollSelectorTest : public ::testing::Test {
 protected:
  // Leaves a readable registration behind that epoll_ctl cannot reach any more; returns its number.
  int abandon_registration() {
    FileDescriptor ready = event(1);
    kept_open_ = duplicate(ready);
    const int fd = ready.get();
    selector_.add(fd, kEventRead);
    ready.close();
    selector_.remove(fd);
    return fd;
  }

  EpollSelector selector_;
  FileDescriptor kept_open_;
};

TEST_F(EpollSelectorTest, RefusesARegularFileAndKeepsNoEntry) {
  std::string path = ::testing::TempDir() + "/regular_XXXXXX";
  const FileDescriptor file(check(::mkstemp(path.data()), "mkstemp"));
  EXPECT_THROW(selector_.add(file.get(), kEventRead), PermissionError);
  EXPECT_FALSE(selector_.get_map().contains(file.get()));
  ::unlink(path.c_str());
}

TEST_F(EpollSelectorTest, ItsFilenoIsReadableWhileSomethingIsReady) {
  const FileDescriptor ready = event(1);
  EXPECT_FALSE(is_readable(selector_.fileno()));
  selector_.add(ready.get(), kEventRead);
  EXPECT_TRUE(is_readable(selector_.fileno()));
  selector_.remove(ready.get());
  EXPECT_FALSE(is_readable(selector_.fileno()));
}

TEST_F(EpollSelectorTest, SweepsOutWhatWasClosedBeforeItWasRemoved) {
  abandon_registration();
  ASSERT_TRUE(is_readable(selector_.fileno()));
  EXPECT_THAT(selector_.select(0s), IsEmpty());
  EXPECT_FALSE(is_readable(selector_.fileno())) << "every wait would end at once";
}

TEST_F(EpollSelectorTest, KeepsItsNumberWhenItSweeps) {
  abandon_registration();
  const int fileno = selector_.fileno();
  selector_.select(0s);
  EXPECT_EQ(selector_.fileno(), fileno);
  EXPECT_EQ(::fcntl(fileno, F_GETFD), FD_CLOEXEC);
}

TEST_F(EpollSelectorTest, KeepsTheLivingWhenItSweeps) {
  const FileDescriptor living = event(1);
  const FileDescriptor idle = event(0);
  const SelectorKey key = selector_.add(living.get(), kEventRead);
  selector_.add(idle.get(), kEventRead);
  abandon_registration();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventRead}));
  }
  const SelectorKey modified = selector_.modify(idle.get(), kEventWrite);
  EXPECT_THAT(selector_.select(0s), ::testing::Contains(ReadyKey{modified, kEventWrite}));
}

TEST_F(EpollSelectorTest, WatchesNobodyNewWhenItSweeps) {
  FileDescriptor careless = event(0);
  const int fd = careless.get();
  selector_.add(fd, kEventRead);
  careless.close();  // never removed
  const FileDescriptor other = event(1);
  const FileDescriptor heir(check(::dup2(other.get(), fd), "dup2"));
  abandon_registration();
  EXPECT_THAT(selector_.select(0s), IsEmpty());
  EXPECT_THAT(selector_.select(0s), IsEmpty()) << "the heir of the number was registered";
}

TEST_F(EpollSelectorTest, ANewOwnerOfTheNumberSurvivesTheSweep) {
  const int fd = abandon_registration();
  const FileDescriptor other = event(1);
  const FileDescriptor heir(check(::dup2(other.get(), fd), "dup2"));
  const SelectorKey key = selector_.add(fd, kEventRead);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventRead}));
  }
}

TEST_F(EpollSelectorTest, WhatAChildKeepsOpenIsSweptOutToo) {
  FileDescriptor ready = event(1);
  const int fd = ready.get();
  selector_.add(fd, kEventRead);
  int hold[2];
  check(::pipe2(hold, O_CLOEXEC), "pipe2");
  const FileDescriptor child_waits(hold[0]);
  FileDescriptor parent_lets_go(hold[1]);
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    ::close(hold[1]);
    char end;
    ::_exit(static_cast<int>(::read(hold[0], &end, 1)));
  }
  ready.close();
  selector_.remove(fd);
  selector_.select(0s);
  EXPECT_FALSE(is_readable(selector_.fileno()));
  parent_lets_go.close();
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

TEST_F(EpollSelectorTest, DoesNotWakeEarlyFromAWaitThatItCountsInMilliseconds) {
  const Clock::time_point start = Clock::now();
  EXPECT_THAT(selector_.select(1'000'000'001ns), IsEmpty());
  EXPECT_GE(Clock::now() - start, 1'000'000'001ns);
}

TEST_F(EpollSelectorTest, RoundsUpToMillisecondsWhereTheKernelCountsNoNanoseconds) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    refuse_system_call(SYS_epoll_pwait2, ENOSYS);
    EpollSelector selector;
    bool never_early = true;
    for (const std::chrono::nanoseconds timeout : {1ns, 300'000ns, 1'000'001ns}) {
      const Clock::time_point start = Clock::now();
      const bool nothing = selector.select(timeout).empty();
      never_early = never_early && nothing && Clock::now() - start >= timeout;
    }
    ::_exit(never_early ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace asyncio
