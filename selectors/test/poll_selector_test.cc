#include "asyncio/selectors/poll_selector.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <chrono>
#include <vector>

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

FileDescriptor due_event() {
  return FileDescriptor(check(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

TEST(PollSelectorTest, RemovingOneLeavesTheOthersWatched) {
  PollSelector selector;
  std::vector<FileDescriptor> fds;
  for (int i = 0; i < 4; ++i) {
    fds.push_back(due_event());
    selector.add(fds.back().get(), kEventRead);
  }
  for (const int removed : {1, 3, 0}) {  // in the middle, at the end, at the front
    selector.remove(fds[static_cast<std::size_t>(removed)].get());
  }
  const SelectorKey last = selector.modify(fds[2].get(), kEventWrite);
  EXPECT_THAT(selector.select(0s), ElementsAre(ReadyKey{last, kEventWrite}));
  selector.remove(last.fd);
  EXPECT_THAT(selector.select(0s), IsEmpty());
}

TEST(PollSelectorTest, ReportsARegularFileAsAlwaysReady) {
  PollSelector selector;
  const FileDescriptor file(check(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  const SelectorKey key = selector.add(file.get(), kEventRead);
  EXPECT_THAT(selector.select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST(PollSelectorTest, ReportsADescriptorThatWasClosedAsReadyUntilItIsRemoved) {
  PollSelector selector;
  FileDescriptor fd = due_event();
  const SelectorKey key = selector.add(fd.get(), kEventRead | kEventWrite);
  fd.close();
  EXPECT_THAT(selector.select(), ElementsAre(ReadyKey{key, kEventRead | kEventWrite}));
  selector.remove(key.fd);
  EXPECT_THAT(selector.select(0s), IsEmpty());
}

TEST(PollSelectorTest, NeverWakesEarly) {
  PollSelector selector;
  for (const std::chrono::nanoseconds timeout : {1ns, 300'000ns, 1'000'001ns}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(selector.select(timeout), IsEmpty());
    EXPECT_GE(std::chrono::steady_clock::now() - start, timeout);
  }
}

TEST(PollSelectorTest, AReadyDescriptorEndsAWaitWithoutALimit) {
  PollSelector selector;
  const FileDescriptor fd = due_event();
  const SelectorKey key = selector.add(fd.get(), kEventRead);
  EXPECT_THAT(selector.select(), ElementsAre(ReadyKey{key, kEventRead}));
  EXPECT_THAT(selector.select(24h * 365 * 200), ElementsAre(ReadyKey{key, kEventRead}));
}

}  // namespace
}  // namespace asyncio
