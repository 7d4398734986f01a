#include "asyncio/transports/testing.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using testing::fail_every_syscall;
using ::testing::HasSubstr;
using testing::SyscallBug;
using testing::SyscallOptions;
using testing::without_faults;
using namespace std::chrono_literals;

// The bug found, or none.
template <class... Arguments>
std::optional<SyscallBug> bug_of(Arguments... arguments) {
  try {
    fail_every_syscall(std::move(arguments)...);
  } catch (const SyscallBug& bug) {
    return bug;
  }
  return std::nullopt;
}

struct Pair {
  FileDescriptor ours;
  FileDescriptor theirs;
};

// A call of the test's own.
Pair pair_of(int type) {
  return without_faults([type] {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), "socketpair");
    return Pair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  });
}

TEST(FailEverySyscallTest, CountsWhatALoopThatDoesNothingCalls) {
  int runs = 0;
  const int calls = fail_every_syscall([&]() -> Coro<> {
    ++runs;
    co_return;
  });
  EXPECT_GT(calls, 3);
  EXPECT_GT(runs, calls);
}

TEST(FailEverySyscallTest, FailsEachCallInEachOfItsWays) {
  std::vector<std::string> failures;
  fail_every_syscall([&]() -> Coro<> {
    try {
      FileDescriptor(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    } catch (const OsError& error) {
      failures.push_back(error.what());
    }
    co_return;
  });
  EXPECT_EQ(failures, (std::vector<std::string>{"socket: Too many open files",
                                                "socket: Too many open files in system",
                                                "socket: No buffer space available"}));
}

TEST(FailEverySyscallTest, GivesAStreamOneByteWhenMoreIsThere) {
  std::vector<ssize_t> sizes;
  bug_of([&]() -> Coro<> {
    const Pair pair = pair_of(SOCK_STREAM);
    without_faults([&] { return ::send(pair.theirs.get(), "four", 4, 0); });
    std::array<char, 8> data;
    const ssize_t size = ::recv(pair.ours.get(), data.data(), data.size(), 0);
    if (size >= 0 && size != 4) sizes.push_back(size);
    co_return;
  });
  EXPECT_EQ(sizes, std::vector<ssize_t>{1});
}

TEST(FailEverySyscallTest, AHarmlessFaultThatIsSeenIsABug) {
  const std::optional<SyscallBug> bug = bug_of([]() -> Coro<> {
    const Pair pair = pair_of(SOCK_STREAM);
    without_faults([&] { return ::send(pair.theirs.get(), "four", 4, 0); });
    std::array<char, 8> data;
    check(::recv(pair.ours.get(), data.data(), data.size(), 0), "recv");
    co_return;
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->call(), "recv");
  EXPECT_EQ(bug->fault(), "EAGAIN");
  EXPECT_GT(bug->number(), 0);
  EXPECT_THAT(bug->what(),
              HasSubstr(", recv(), failed with EAGAIN\n- the scenario failed: recv: "));
}

TEST(FailEverySyscallTest, ADatagramIsNotCutOff) {
  fail_every_syscall([]() -> Coro<> {
    const Pair pair = pair_of(SOCK_DGRAM);
    without_faults([&] { return ::send(pair.theirs.get(), "four", 4, 0); });
    std::array<char, 8> data;
    ssize_t size = -1;
    while (size == -1) size = ::recv(pair.ours.get(), data.data(), data.size(), 0);
    if (size != 4) throw std::runtime_error("cut off");
    co_return;
  });
}

TEST(FailEverySyscallTest, ADescriptorThatStaysOpenIsABug) {
  std::vector<int> leaked;
  const auto scenario = [&]() -> Coro<> {
    const int fd = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (::listen(fd, 1) == -1) {
      leaked.push_back(fd);
      throw std::runtime_error("and now");
    }
    check(::close(fd) == 0 || last_error() == EINTR || last_error() == EIO ? 0 : -1, "close");
    co_return;
  };
  const std::optional<SyscallBug> bug =
      bug_of(scenario, [] { return true; }, SyscallOptions{.limit = 50ms});
  for (const int fd : leaked) ::close(fd);
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->call(), "listen");
  EXPECT_THAT(bug->what(), HasSubstr("- left open: socket:["));
}

TEST(FailEverySyscallTest, ClosingTwiceIsABug) {
  const std::optional<SyscallBug> bug = bug_of([]() -> Coro<> {
    const int fd = without_faults([] { return ::dup(STDERR_FILENO); });
    while (::close(fd) != 0 && last_error() == EINTR) {
    }
    co_return;
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->call(), "close");
  EXPECT_EQ(bug->fault(), "EINTR");
  EXPECT_THAT(bug->what(), HasSubstr("- close() was called on a descriptor that was not open"));
}

TEST(FailEverySyscallTest, AScenarioThatHangsIsABug) {
  const auto scenario = []() -> Coro<> {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) co_await sleep(1h);
    FileDescriptor(fd).close();
  };
  const std::optional<SyscallBug> bug =
      bug_of(scenario, [] { return true; }, SyscallOptions{.limit = 50ms});
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->fault(), "EMFILE");
  EXPECT_THAT(bug->what(),
              HasSubstr("- it has not ended in time; these tasks wait:\n* Task 'Task-"));
}

TEST(FailEverySyscallTest, WhatIsReportedAfterAHarmlessFaultIsABug) {
  const std::optional<SyscallBug> bug = bug_of([]() -> Coro<> {
    const Pair pair = pair_of(SOCK_STREAM);
    if (::send(pair.ours.get(), "one", 3, 0) != 3) {
      get_running_loop().call_exception_handler({.message = "too little"});
    }
    co_return;
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->fault(), "EAGAIN");
  EXPECT_THAT(bug->what(), HasSubstr("- reported: too little"));
}

TEST(FailEverySyscallTest, ARealFaultMayBeReportedAndThrown) {
  fail_every_syscall([]() -> Coro<> {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
      get_running_loop().call_exception_handler({.message = "no socket"});
      throw std::runtime_error("no socket");
    }
    FileDescriptor(fd).close();
    co_return;
  });
}

TEST(FailEverySyscallTest, ButNotAsAnythingElseThanAStdException) {
  const std::optional<SyscallBug> bug = bug_of([]() -> Coro<> {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) throw 7;
    FileDescriptor(fd).close();
    co_return;
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_THAT(bug->what(), HasSubstr("- the scenario failed: an exception that is no std::"));
}

TEST(FailEverySyscallTest, AScenarioMustSucceedWithoutAFault) {
  const std::optional<SyscallBug> bug = bug_of([]() -> Coro<> {
    throw std::runtime_error("oops");
    co_return;
  });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->number(), 0);
  EXPECT_STREQ(bug->what(), "without any fault\n- the scenario failed: oops");
}

TEST(FailEverySyscallTest, AnInvariantIsAskedAfterEachRun) {
  bool sent = true;
  const std::optional<SyscallBug> bug = bug_of(
      [&]() -> Coro<> {
        const Pair pair = pair_of(SOCK_STREAM);
        sent = ::send(pair.ours.get(), "1", 1, 0) == 1;
        co_return;
      },
      [&] { return sent; });
  ASSERT_TRUE(bug.has_value());
  EXPECT_EQ(bug->call(), "send");
  EXPECT_THAT(bug->what(), HasSubstr("- the invariant does not hold"));
}

TEST(FailEverySyscallTest, IsRefusedInsideARunningLoop) {
  EXPECT_THROW(run([]() -> Coro<> {
                 fail_every_syscall([]() -> Coro<> { co_return; });
                 co_return;
               }),
               std::runtime_error);
}

}  // namespace
}  // namespace asyncio
