#include "asyncio/selectors/os_error.h"

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::HasSubstr;

// The class that throw_os_error() picks is exactly `Error`, not one derived from or above it.
template <class Error>
void expect_thrown(int error_number) {
  try {
    throw_os_error(error_number, "connect");
  } catch (const OsError& error) {
    EXPECT_EQ(typeid(error), typeid(Error)) << error.what();
    EXPECT_EQ(error.error_number(), error_number);
  }
}

TEST(OsErrorTest, EachNumberHasTheClassThatPythonGivesIt) {
  expect_thrown<BlockingIOError>(EAGAIN);
  expect_thrown<BlockingIOError>(EWOULDBLOCK);
  expect_thrown<BlockingIOError>(EALREADY);
  expect_thrown<BlockingIOError>(EINPROGRESS);
  expect_thrown<ChildProcessError>(ECHILD);
  expect_thrown<BrokenPipeError>(EPIPE);
  expect_thrown<BrokenPipeError>(ESHUTDOWN);
  expect_thrown<ConnectionAbortedError>(ECONNABORTED);
  expect_thrown<ConnectionRefusedError>(ECONNREFUSED);
  expect_thrown<ConnectionResetError>(ECONNRESET);
  expect_thrown<FileExistsError>(EEXIST);
  expect_thrown<FileNotFoundError>(ENOENT);
  expect_thrown<InterruptedError>(EINTR);
  expect_thrown<IsADirectoryError>(EISDIR);
  expect_thrown<NotADirectoryError>(ENOTDIR);
  expect_thrown<PermissionError>(EACCES);
  expect_thrown<PermissionError>(EPERM);
  expect_thrown<ProcessLookupError>(ESRCH);
  expect_thrown<TimeoutError>(ETIMEDOUT);
}

TEST(OsErrorTest, NumbersWithoutAClassOfTheirOwnArePlainOsErrors) {
  expect_thrown<OsError>(EMFILE);
  expect_thrown<OsError>(EADDRINUSE);
  expect_thrown<OsError>(EBADF);
}

TEST(OsErrorTest, LostConnectionsShareABase) {
  EXPECT_THROW(throw_os_error(EPIPE, "send"), ConnectionError);
  EXPECT_THROW(throw_os_error(ECONNABORTED, "accept"), ConnectionError);
  EXPECT_THROW(throw_os_error(ECONNREFUSED, "connect"), ConnectionError);
  EXPECT_THROW(throw_os_error(ECONNRESET, "recv"), ConnectionError);
}

TEST(OsErrorTest, SaysWhichCallFailedAndWhy) {
  const OsError error(ECONNREFUSED, "connect('127.0.0.1', 8888)");
  EXPECT_STREQ(error.what(), "connect('127.0.0.1', 8888): Connection refused");
}

TEST(OsErrorTest, ComparesWithThePortableConditionsOfTheStandard) {
  const OsError error(ECONNREFUSED, "connect");
  EXPECT_EQ(error.code(), std::errc::connection_refused);
  EXPECT_NE(error.code(), std::errc::timed_out);
}

TEST(OsErrorTest, CanBeMadeWithoutBeingThrown) {
  const std::exception_ptr error = make_os_error(ECONNRESET, "recv");
  EXPECT_THROW(std::rethrow_exception(error), ConnectionResetError);
}

TEST(OsErrorTest, CopiesWithoutThrowing) {
  static_assert(std::is_nothrow_copy_constructible_v<OsError>);
  static_assert(std::is_nothrow_copy_constructible_v<TimeoutError>);
}

TEST(TimeoutErrorTest, OfTheOperatingSystemNamesTheCall) {
  EXPECT_THAT(TimeoutError(ETIMEDOUT, "connect").what(), HasSubstr("connect: "));
}

TEST(TimeoutErrorTest, OfOurOwnSaysWhatItWasTold) {
  EXPECT_STREQ(TimeoutError().what(), "timed out");
  EXPECT_STREQ(TimeoutError("SSL handshake is taking longer than 60 seconds").what(),
               "SSL handshake is taking longer than 60 seconds");
}

TEST(TimeoutErrorTest, HasOneNumberWhoeverThrowsIt) {
  EXPECT_EQ(TimeoutError().error_number(), ETIMEDOUT);
  EXPECT_EQ(TimeoutError("late").code(), std::errc::timed_out);
}

TEST(CheckTest, HandsBackWhatTheCallReturned) {
  EXPECT_EQ(check(0, "close"), 0);
  EXPECT_EQ(check(7, "open"), 7);
  static_assert(std::is_same_v<decltype(check(ssize_t{1}, "read")), ssize_t>);
}

TEST(CheckTest, ThrowsForMinusOneWhatTheCallLeft) {
  errno = ENOENT;
  EXPECT_THROW(check(-1, "open"), FileNotFoundError);
}

TEST(RetryOnInterruptTest, CallsAgainForAsLongAsSignalsInterrupt) {
  int calls = 0;
  const int result = retry_on_interrupt([&] {
    errno = EINTR;
    return ++calls < 4 ? -1 : 42;
  });
  EXPECT_EQ(result, 42);
  EXPECT_EQ(calls, 4);
}

TEST(RetryOnInterruptTest, LeavesOtherErrorsToItsCaller) {
  int calls = 0;
  const int result = retry_on_interrupt([&] {
    ++calls;
    errno = EAGAIN;
    return -1;
  });
  EXPECT_EQ(result, -1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(last_error(), EAGAIN);
}

TEST(LastErrorKeeperTest, PutsTheErrorBackThatItFound) {
  errno = ENOENT;
  {
    const LastErrorKeeper keeper;
    errno = EBADF;
    EXPECT_EQ(last_error(), EBADF);
  }
  EXPECT_EQ(last_error(), ENOENT);
}

}  // namespace
}  // namespace asyncio
