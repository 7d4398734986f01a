#include "asyncio/selectors/select_selector.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

FileDescriptor event_to_read() {
  return FileDescriptor(check(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

// A duplicate whose number is `at_least` or the next free one.
FileDescriptor duplicate(const FileDescriptor& fd, int at_least) {
  rlimit limit;
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return FileDescriptor(check(::fcntl(fd.get(), F_DUPFD_CLOEXEC, at_least), "fcntl"));
}

TEST(SelectSelectorTest, RefusesDescriptorsFromFdSetsizeOn) {
  SelectSelector selector;
  const FileDescriptor event = event_to_read();
  const FileDescriptor large = duplicate(event, FD_SETSIZE);
  EXPECT_THROW(selector.add(large.get(), kEventRead), std::invalid_argument);
  EXPECT_TRUE(selector.get_map().empty());
}

TEST(SelectSelectorTest, TakesTheLastDescriptorBelowFdSetsize) {
  SelectSelector selector;
  const FileDescriptor event = event_to_read();
  const FileDescriptor last = duplicate(event, FD_SETSIZE - 1);
  ASSERT_EQ(last.get(), FD_SETSIZE - 1);
  const SelectorKey key = selector.add(last.get(), kEventRead);
  EXPECT_THAT(selector.select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST(SelectSelectorTest, ThrowsForADescriptorThatWasClosedUntilItIsRemoved) {
  SelectSelector selector;
  FileDescriptor fd = event_to_read();
  const SelectorKey key = selector.add(fd.get(), kEventRead);
  fd.close();
  EXPECT_THROW(selector.select(0s), OsError);
  selector.remove(key.fd);
  EXPECT_THAT(selector.select(0s), IsEmpty());
}

}  // namespace
}  // namespace asyncio
