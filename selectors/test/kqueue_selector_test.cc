// What KqueueSelector asks of its kernel and makes of the answers.

#include "asyncio/selectors/kqueue_selector.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/src/in_memory_kqueue.h"
#include "selectors/src/kqueue_api.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr EventMask kEitherEvent = kEventRead | kEventWrite;
constexpr int kReadFilter = EVFILT_READ;
constexpr int kWriteFilter = EVFILT_WRITE;

// A change without what only the kernel needs.
struct Change {
  int fd;
  int filter;
  unsigned action;

  friend bool operator==(const Change&, const Change&) = default;
};

// A kernel that writes down what it is asked, and answers as it is told.
class ScriptedKqueue final : public KqueueApi {
 public:
  int kqueue() override { return kernel_.kqueue(); }

  int kevent(int kq, std::span<const struct kevent> asked, std::span<struct kevent> events,
             const timespec* timeout) override {
    for (const struct kevent& change : asked) {
      changes.push_back({static_cast<int>(change.ident), static_cast<int>(change.filter),
                         static_cast<unsigned>(change.flags)});
      generations.push_back(change.udata);
    }
    if (asked.empty()) {
      room = events.size();
      limit = timeout == nullptr ? std::nullopt : std::optional(*timeout);
      if (!answers.empty()) return answer(events);
    }
    const int result = kernel_.kevent(kq, asked, events, timeout);
    if (!asked.empty() && error_afterwards != 0) return fail(error_afterwards);
    return result;
  }

  int close(int kq) override {
    ++closed;
    return kernel_.close(kq);
  }

  std::vector<Change> changes;
  std::vector<decltype(kevent::udata)> generations;
  std::size_t room = 0;
  std::optional<timespec> limit;
  int closed = 0;

  // What the next wait finds.
  std::vector<struct kevent> answers;
  // What every call with changes ends with, after they were made.
  int error_afterwards = 0;

 private:
  static int fail(int error) {
    errno = error;
    return -1;
  }
  int answer(std::span<struct kevent> events) {
    for (std::size_t i = 0; i < answers.size(); ++i) events[i] = answers[i];
    const int count = static_cast<int>(answers.size());
    answers.clear();
    return count;
  }

  InMemoryKqueue kernel_;
};

// Never readable; always writable.
FileDescriptor new_idle_event() {
  return FileDescriptor(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

FileDescriptor new_readable_event() {
  return FileDescriptor(check(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

class KqueueSelectorTest : public ::testing::Test {
 protected:
  // An event of the latest registration.
  struct kevent event(int filter, unsigned flags = 0, unsigned fflags = 0) const {
    struct kevent event{};
    event.ident = static_cast<decltype(event.ident)>(fd_);
    event.filter = static_cast<decltype(event.filter)>(filter);
    event.flags = static_cast<decltype(event.flags)>(flags);
    event.fflags = static_cast<decltype(event.fflags)>(fflags);
    event.udata = kernel_.generations.back();
    return event;
  }

  std::vector<Change> asked_by(auto&& call) {
    kernel_.changes.clear();
    call();
    return kernel_.changes;
  }

  ScriptedKqueue kernel_;
  KqueueSelector selector_{kernel_};
  FileDescriptor idle_ = new_idle_event();
  const int fd_ = idle_.get();
};

#if defined(__linux__)
TEST(KqueueSelectorOnLinuxTest, ThrowsBecauseTheSystemHasNoKqueue) {
  try {
    KqueueSelector selector;
    FAIL() << "opened";
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), ENOSYS);
  }
}
#endif

// What the kernel is asked.

TEST_F(KqueueSelectorTest, AddsAFilterForEachEvent) {
  EXPECT_THAT(asked_by([&] { selector_.add(fd_, kEventRead); }),
              ElementsAre(Change{fd_, kReadFilter, EV_ADD}));
  selector_.remove(fd_);
  EXPECT_THAT(asked_by([&] { selector_.add(fd_, kEitherEvent); }),
              ElementsAre(Change{fd_, kReadFilter, EV_ADD}, Change{fd_, kWriteFilter, EV_ADD}));
}

TEST_F(KqueueSelectorTest, ModifiesFiltersOneByOne) {
  selector_.add(fd_, kEventRead);
  EXPECT_THAT(asked_by([&] { selector_.modify(fd_, kEventWrite); }),
              ElementsAre(Change{fd_, kReadFilter, EV_DELETE}, Change{fd_, kWriteFilter, EV_ADD}));
  EXPECT_THAT(asked_by([&] { selector_.modify(fd_, kEitherEvent); }),
              ElementsAre(Change{fd_, kReadFilter, EV_ADD}, Change{fd_, kWriteFilter, EV_ENABLE}));
  EXPECT_THAT(
      asked_by([&] { selector_.modify(fd_, kEventRead); }),
      ElementsAre(Change{fd_, kReadFilter, EV_ENABLE}, Change{fd_, kWriteFilter, EV_DELETE}));
}

TEST_F(KqueueSelectorTest, SendsItsGenerationWithEveryFilter) {
  selector_.add(fd_, kEventRead);
  const auto first = kernel_.generations.back();
  selector_.modify(fd_, kEitherEvent);
  EXPECT_EQ(kernel_.generations.back(), first);
  selector_.remove(fd_);
  selector_.add(fd_, kEventRead);
  EXPECT_NE(kernel_.generations.back(), first);
}

TEST_F(KqueueSelectorTest, RefusesABadFdAndKeepsNoEntry) {
  idle_.close();
  try {
    selector_.add(fd_, kEitherEvent);
    FAIL() << "added";
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), EBADF);
  }
  EXPECT_FALSE(selector_.get_map().contains(fd_));
}

TEST_F(KqueueSelectorTest, AnAddThatTheKernelRefusesLeavesNoFilterBehind) {
  kernel_.error_afterwards = ENOMEM;
  EXPECT_THROW(selector_.add(fd_, kEitherEvent), OsError);
  kernel_.error_afterwards = 0;
  EXPECT_FALSE(selector_.get_map().contains(fd_));
  EXPECT_THAT(selector_.select(0s), IsEmpty());
}

TEST_F(KqueueSelectorTest, AChangeThatASignalInterruptsIsMade) {
  kernel_.error_afterwards = EINTR;
  const SelectorKey key = selector_.add(fd_, kEventWrite);
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventWrite}));
}

TEST_F(KqueueSelectorTest, ANumberThatHasANewOwnerIsNotWatchedForTheOldOne) {
  selector_.add(fd_, kEventRead);
  const FileDescriptor others = new_readable_event();
  check(::dup2(others.get(), fd_), "dup2");
  EXPECT_THAT(selector_.select(0s), IsEmpty());
  EXPECT_THROW(selector_.modify(fd_, kEitherEvent), FileNotFoundError);
  EXPECT_FALSE(selector_.get_map().contains(fd_));
  EXPECT_THAT(selector_.select(0s), IsEmpty());
}

// What it makes of the answers.

TEST_F(KqueueSelectorTest, ReportsADescriptorOnceForBothOfItsFilters) {
  const FileDescriptor ready = new_readable_event();
  const SelectorKey key = selector_.add(ready.get(), kEitherEvent);
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEitherEvent}));
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEitherEvent}));
}

TEST_F(KqueueSelectorTest, TheEndOfAStreamMakesItsOwnSideReady) {
  const SelectorKey key = selector_.add(fd_, kEitherEvent);
  kernel_.answers = {event(kReadFilter, EV_EOF)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventRead}));
  kernel_.answers = {event(kWriteFilter, EV_EOF)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventWrite}));
}

TEST_F(KqueueSelectorTest, ABrokenConnectionMakesBothSidesReady) {
  const SelectorKey key = selector_.add(fd_, kEitherEvent);
  kernel_.answers = {event(kReadFilter, EV_EOF, ECONNRESET)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEitherEvent}));
  kernel_.answers = {event(kReadFilter, EV_EOF, ECONNRESET),
                     event(kWriteFilter, EV_EOF, ECONNRESET)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEitherEvent}));
}

TEST_F(KqueueSelectorTest, ABrokenConnectionReachesWhoeverIsInterestedInEitherSide) {
  const SelectorKey reader = selector_.add(fd_, kEventRead);
  kernel_.answers = {event(kWriteFilter, EV_EOF, EPIPE)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{reader, kEventRead}));
  const SelectorKey writer = selector_.modify(fd_, kEventWrite);
  kernel_.answers = {event(kReadFilter, EV_EOF, EPIPE)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{writer, kEventWrite}));
}

TEST_F(KqueueSelectorTest, AnErrorOfAFilterMakesBothSidesReady) {
  const SelectorKey key = selector_.add(fd_, kEitherEvent);
  kernel_.answers = {event(kReadFilter, EV_ERROR)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEitherEvent}));
}

TEST_F(KqueueSelectorTest, DropsEventsOfAnEarlierRegistration) {
  selector_.add(fd_, kEitherEvent);
  const struct kevent stale = event(kReadFilter);
  selector_.remove(fd_);
  const SelectorKey key = selector_.add(fd_, kEitherEvent);
  kernel_.answers = {stale, event(kWriteFilter)};
  EXPECT_THAT(selector_.select(0s), ElementsAre(ReadyKey{key, kEventWrite}));
  selector_.remove(fd_);
  kernel_.answers = {stale};
  EXPECT_THAT(selector_.select(0s), IsEmpty());
}

// How it waits.

TEST_F(KqueueSelectorTest, AlwaysLeavesRoomForEvents) {
  selector_.select(0s);
  EXPECT_GT(kernel_.room, 0U) << "the kernel would not wait";
}

TEST_F(KqueueSelectorTest, RoundsUpToMicroseconds) {
  selector_.select(1ns);
  EXPECT_EQ(kernel_.limit->tv_sec, 0);
  EXPECT_EQ(kernel_.limit->tv_nsec, 1'000);
  selector_.select(0s);
  EXPECT_EQ(kernel_.limit->tv_nsec, 0);
}

TEST_F(KqueueSelectorTest, WaitsAtMostAsLongAsDarwinAllows) {
  const SelectorKey key = selector_.add(fd_, kEventWrite);
  for (const Duration timeout : {Duration(24h * 365 * 200), Duration(24h * 365 * 5)}) {
    EXPECT_THAT(selector_.select(timeout), ElementsAre(ReadyKey{key, kEventWrite}));
    EXPECT_EQ(kernel_.limit->tv_sec, INT32_MAX / 1000);
  }
  selector_.select();
  EXPECT_EQ(kernel_.limit, std::nullopt);
}

// The queue itself.

TEST_F(KqueueSelectorTest, ItsFilenoIsReadableWhileSomethingIsReady) {
  pollfd polled = {selector_.fileno(), POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
  selector_.add(fd_, kEventWrite);
  EXPECT_EQ(::poll(&polled, 1, 0), 1);
  selector_.remove(fd_);
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
}

TEST_F(KqueueSelectorTest, ClosesItsQueueOnce) {
  selector_.close();
  selector_.close();
  EXPECT_EQ(kernel_.closed, 1);
}

// Children do not inherit the queue, so its number may be anybody's.
TEST_F(KqueueSelectorTest, AForkedChildThatClosesItClosesNobodyElsesDescriptor) {
  const int number = selector_.fileno();
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    const bool free = ::fcntl(number, F_GETFD) == -1;
    const bool taken = ::dup2(fd_, number) == number;
    selector_.close();
    ::_exit(free && taken && ::fcntl(number, F_GETFD) != -1 && kernel_.closed == 0 ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace asyncio
