// What DevpollSelector asks of its kernel and makes of the answers.

#include "asyncio/selectors/devpoll_selector.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/src/devpoll_api.h"
#include "selectors/src/in_memory_devpoll.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace std::chrono_literals;

constexpr EventMask kBoth = kEventRead | kEventWrite;

// A kernel that writes down what it is asked, and fails as it is told.
class ScriptedDevpoll final : public DevpollApi {
 public:
  int open(const char* path, int flags) override { return device = kernel_.open(path, flags); }

  ssize_t write(int devpoll, std::span<const pollfd> changes) override {
    if (write_error != 0) return fail(std::exchange(write_error, 0));
    std::vector<std::pair<int, short>>& written = writes.emplace_back();
    for (const pollfd& change : changes) written.emplace_back(change.fd, change.events);
    if (takes_one_only) changes = changes.first(1);
    return kernel_.write(devpoll, changes);
  }

  int ioctl(int devpoll, int request, void* argument) override {
    const auto& wait = *static_cast<const DevpollWait*>(argument);
    room = wait.dp_nfds;
    timeout = wait.dp_timeout;
    if (kernel_never_waits) return 0;
    return kernel_.ioctl(devpoll, request, argument);
  }

  int close(int devpoll) override {
    ++closed;
    return kernel_.close(devpoll);
  }

  // The events of `fd` in the set, -1 if it is not there.
  int watched(int fd) {
    pollfd asked = {fd, 0, 0};
    return kernel_.ioctl(device, kDevpollIsPolled, &asked) == 1 ? asked.revents : -1;
  }

  void watch_unasked(int fd, short events) {
    const pollfd change = {fd, events, 0};
    kernel_.write(device, std::span(&change, 1));
  }

  int device = -1;
  std::vector<std::vector<std::pair<int, short>>> writes;
  std::size_t room = 0;
  int timeout = 0;
  int closed = 0;

  // What the next write fails with.
  int write_error = 0;
  bool takes_one_only = false;
  bool kernel_never_waits = false;

 private:
  static int fail(int error) {
    errno = error;
    return -1;
  }

  InMemoryDevpoll kernel_;
};

// Never readable; always writable.
FileDescriptor idle_event() {
  return FileDescriptor(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

FileDescriptor readable_event() {
  return FileDescriptor(check(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

class DevpollSelectorTest : public ::testing::Test {
 protected:
  ScriptedDevpoll kernel_;
  DevpollSelector selector_{kernel_};
  FileDescriptor idle_ = idle_event();
  const int fd_ = idle_.get();
};

#if defined(__linux__)
TEST(DevpollSelectorOnLinuxTest, ThrowsBecauseTheSystemHasNoSuchDevice) {
  EXPECT_THROW(DevpollSelector(), FileNotFoundError);
}
#endif

// What the kernel is asked.

TEST_F(DevpollSelectorTest, ModifiesByRemovingAndAddingInOneWrite) {
  selector_.add(fd_, kBoth);
  EXPECT_EQ(kernel_.watched(fd_), POLLIN | POLLOUT);
  kernel_.writes.clear();
  selector_.modify(fd_, kEventRead);
  ASSERT_EQ(kernel_.writes.size(), 1U);
  EXPECT_THAT(kernel_.writes[0], ElementsAre(Pair(fd_, 0x0800), Pair(fd_, POLLIN)));
  EXPECT_EQ(kernel_.watched(fd_), POLLIN);
}

TEST_F(DevpollSelectorTest, InheritsNoEventsOfAnEarlierRegistration) {
  kernel_.watch_unasked(fd_, POLLOUT);
  selector_.add(fd_, kEventRead);
  EXPECT_EQ(kernel_.watched(fd_), POLLIN);
}

TEST_F(DevpollSelectorTest, RemovesWithTheWholeWord) {
  selector_.add(fd_, kEventRead);
  kernel_.writes.clear();
  selector_.remove(fd_);
  ASSERT_EQ(kernel_.writes.size(), 1U);
  EXPECT_THAT(kernel_.writes[0], ElementsAre(Pair(fd_, 0x0800)));
  EXPECT_EQ(kernel_.watched(fd_), -1);
}

TEST_F(DevpollSelectorTest, WritesAgainAfterASignal) {
  kernel_.write_error = EINTR;
  selector_.add(fd_, kEventRead);
  EXPECT_EQ(kernel_.watched(fd_), POLLIN);
}

TEST_F(DevpollSelectorTest, AnAddThatTheKernelRefusesKeepsNoEntry) {
  kernel_.write_error = ENOMEM;
  EXPECT_THROW(selector_.add(fd_, kEventRead), OsError);
  EXPECT_FALSE(selector_.get_map().contains(fd_));
}

TEST_F(DevpollSelectorTest, AWriteThatTheKernelTakesInPartIsAnError) {
  kernel_.takes_one_only = true;
  try {
    selector_.add(fd_, kEventRead);
    FAIL() << "added";
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), EIO);
  }
  EXPECT_FALSE(selector_.get_map().contains(fd_));
}

// Descriptors that were closed before they were removed.

TEST_F(DevpollSelectorTest, SweepsOutWhatWasClosedBeforeItWasRemoved) {
  selector_.add(fd_, kEventRead);
  idle_.close();
  EXPECT_THAT(selector_.select(), IsEmpty()) << "reported";
  EXPECT_EQ(kernel_.watched(fd_), -1) << "every wait would end at once";
}

TEST_F(DevpollSelectorTest, KeepsTheLivingWhenItSweeps) {
  const FileDescriptor living = readable_event();
  const SelectorKey key = selector_.add(living.get(), kEventRead);
  selector_.add(fd_, kEventRead);
  idle_.close();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(selector_.select(), ElementsAre(ReadyKey{key, kEventRead}));
  }
}

TEST_F(DevpollSelectorTest, ANewOwnerOfASweptNumberIsNotWatched) {
  selector_.add(fd_, kEventRead);
  idle_.close();
  selector_.select();
  const FileDescriptor others = readable_event();
  const FileDescriptor heir(check(::dup2(others.get(), fd_), "dup2"));
  EXPECT_THAT(selector_.select(0s), IsEmpty());
  selector_.remove(fd_);
  const SelectorKey key = selector_.add(fd_, kEventRead);
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_F(DevpollSelectorTest, SweepsOutWhatNobodyRegistered) {
  kernel_.watch_unasked(fd_, POLLOUT);
  EXPECT_THAT(selector_.select(), IsEmpty());
  EXPECT_EQ(kernel_.watched(fd_), -1);
}

// How it waits.

TEST_F(DevpollSelectorTest, RoundsUpToMilliseconds) {
  kernel_.kernel_never_waits = true;
  selector_.select(1ns);
  EXPECT_EQ(kernel_.timeout, 1);
  selector_.select(1'000'001ns);
  EXPECT_EQ(kernel_.timeout, 2);
  selector_.select(0s);
  EXPECT_EQ(kernel_.timeout, 0);
  selector_.select();
  EXPECT_EQ(kernel_.timeout, -1);
}

TEST_F(DevpollSelectorTest, AlwaysLeavesRoomForEvents) {
  selector_.select(0s);
  EXPECT_GT(kernel_.room, 0U) << "the kernel would sleep only";
}

TEST_F(DevpollSelectorTest, AsksForNoMoreThanTheProcessMayHaveDescriptors) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    rlimit limit = {256, 256};
    check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    DevpollSelector selector(kernel_);
    selector.add(fd_, kEventWrite);
    ::_exit(selector.select(0s).size() == 1 && kernel_.room == 256 ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

TEST_F(DevpollSelectorTest, ReportsARegularFileAsAlwaysReady) {
  const FileDescriptor file(check(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  const SelectorKey key = selector_.add(file.get(), kEventRead);
  EXPECT_THAT(selector_.select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_F(DevpollSelectorTest, ClosesItsDeviceOnce) {
  selector_.close();
  selector_.close();
  EXPECT_EQ(kernel_.closed, 1);
}

}  // namespace
}  // namespace asyncio
