#include "asyncio/selectors/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

#include "asyncio/selectors/os_error.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

int open_null() { return check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(FileDescriptorTest, OwnsNothingAtFirst) {
  const FileDescriptor none;
  EXPECT_FALSE(none.valid());
  EXPECT_EQ(none.get(), -1);
}

TEST(FileDescriptorTest, TakesAnyNegativeNumberForNothing) {
  EXPECT_EQ(FileDescriptor(-7).get(), -1);
}

TEST(FileDescriptorTest, KnowsItsNumberUnderBothNames) {
  const int number = open_null();
  const FileDescriptor fd(number);
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(fd.get(), number);
  EXPECT_EQ(fd.fileno(), number);
}

TEST(FileDescriptorTest, ClosesWhenItGoes) {
  const int number = open_null();
  {
    const FileDescriptor fd(number);
  }
  EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptorTest, MovesButDoesNotCopy) {
  static_assert(!std::is_copy_constructible_v<FileDescriptor>);
  static_assert(std::is_nothrow_move_constructible_v<FileDescriptor>);
  FileDescriptor first(open_null());
  const int number = first.get();
  const FileDescriptor second(std::move(first));
  EXPECT_EQ(second.get(), number);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(is_open(number));
}

TEST(FileDescriptorTest, ClosesWhatItOwnedWhenAnotherIsMovedIn) {
  FileDescriptor fd(open_null());
  const int old_number = fd.get();
  FileDescriptor other(open_null());
  const int new_number = other.get();
  fd = std::move(other);
  EXPECT_FALSE(is_open(old_number));
  EXPECT_EQ(fd.get(), new_number);
  EXPECT_TRUE(is_open(new_number));
}

TEST(FileDescriptorTest, SurvivesBeingMovedIntoItself) {
  FileDescriptor fd(open_null());
  FileDescriptor& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(FileDescriptorTest, GivesAwayWithoutClosing) {
  FileDescriptor fd(open_null());
  const int number = fd.release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(FileDescriptorTest, TakesOverAnotherAfterClosingTheFirst) {
  FileDescriptor fd(open_null());
  const int old_number = fd.get();
  const int new_number = open_null();
  fd.reset(new_number);
  EXPECT_FALSE(is_open(old_number));
  EXPECT_EQ(fd.get(), new_number);
}

TEST(FileDescriptorTest, ClosesTwiceWithoutHarm) {
  FileDescriptor fd(open_null());
  const int number = fd.get();
  fd.close();
  const FileDescriptor heir(open_null());
  ASSERT_EQ(heir.get(), number);
  fd.close();
  EXPECT_TRUE(is_open(number));
}

TEST(FileDescriptorTest, ClosingKeepsTheLastError) {
  const int number = open_null();
  FileDescriptor fd(number);
  ::close(number);
  errno = ENOENT;
  fd.close();  // fails inside: EBADF
  EXPECT_EQ(last_error(), ENOENT);
}

}  // namespace
}  // namespace asyncio
