// The manual pages of kqueue(2), rule by rule.

#include "selectors/src/in_memory_kqueue.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/src/kqueue_api.h"
#include "selectors/test/ends.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// An event, its numbers in types that do not depend on the system.
struct Event {
  int fd;
  int filter;
  unsigned flags;
  unsigned fflags;
  long data;
  std::uintptr_t udata;

  bool has(unsigned flag) const { return (flags & flag) != 0; }
};

constexpr int kRead = EVFILT_READ;
constexpr int kWrite = EVFILT_WRITE;

struct kevent to_change(int fd, int filter, unsigned flags, std::uintptr_t udata = 0) {
  struct kevent change{};
  change.ident = static_cast<decltype(change.ident)>(fd);
  change.filter = static_cast<decltype(change.filter)>(filter);
  change.flags = static_cast<decltype(change.flags)>(flags);
  change.udata = std::bit_cast<decltype(change.udata)>(udata);
  return change;
}

Event to_event(const struct kevent& event) {
  return {static_cast<int>(event.ident),
          static_cast<int>(event.filter),
          event.flags,
          event.fflags,
          static_cast<long>(event.data),
          std::bit_cast<std::uintptr_t>(event.udata)};
}

MATCHER_P2(IsAbout, fd, filter, "") { return arg.fd == fd && arg.filter == filter; }

FileDescriptor duplicate_of(const FileDescriptor& fd) {
  return FileDescriptor(check(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
}

FileDescriptor stream_socket() {
  return FileDescriptor(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
}

struct Listener {
  FileDescriptor fd = stream_socket();
  sockaddr_in address{};

  Listener() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), "bind");
    socklen_t size = sizeof(address);
    check(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    check(::listen(fd.get(), 16), "listen");
  }

  FileDescriptor connect() const {
    FileDescriptor client = stream_socket();
    check(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
          "connect");
    return client;
  }
};

class InMemoryKqueueTest : public ::testing::Test {
 protected:
  ~InMemoryKqueueTest() override { kernel_.close(kq_); }

  // The error of a single change, 0 if there was none.
  int error_of(const struct kevent& change) {
    return kernel_.kevent(kq_, std::span(&change, 1), {}, nullptr) == -1 ? last_error() : 0;
  }

  std::vector<Event> exchange(std::span<const struct kevent> changes, std::size_t room = 8) {
    std::vector<struct kevent> events(room);
    const timespec now{};
    const int count = check(kernel_.kevent(kq_, changes, events, &now), "kevent");
    std::vector<Event> result;
    for (int i = 0; i < count; ++i) result.push_back(to_event(events[static_cast<std::size_t>(i)]));
    return result;
  }

  std::vector<Event> look(std::size_t room = 8) { return exchange({}, room); }

  InMemoryKqueue kernel_;
  const int kq_ = check(kernel_.kqueue(), "kqueue");
  Ends ends_ = socket_pair();
  const int fd_ = ends_.here.get();
};

// Changes.

TEST_F(InMemoryKqueueTest, ReadingAndWritingAreSeparateKnotes) {
  send_byte(ends_.there);
  ASSERT_EQ(error_of(to_change(fd_, kRead, EV_ADD)), 0);
  EXPECT_THAT(look(), ElementsAre(IsAbout(fd_, kRead)));
  ASSERT_EQ(error_of(to_change(fd_, kWrite, EV_ADD)), 0);
  EXPECT_THAT(look(), ::testing::UnorderedElementsAre(IsAbout(fd_, kRead), IsAbout(fd_, kWrite)));
  ASSERT_EQ(error_of(to_change(fd_, kRead, EV_DELETE)), 0);
  EXPECT_THAT(look(), ElementsAre(IsAbout(fd_, kWrite)));
}

TEST_F(InMemoryKqueueTest, AddingAgainUpdatesTheUdata) {
  error_of(to_change(fd_, kWrite, EV_ADD, 1));
  error_of(to_change(fd_, kWrite, EV_ADD, 2));
  const std::vector<Event> events = look();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].udata, 2U);
}

TEST_F(InMemoryKqueueTest, AddingAgainUpdatesTheFlags) {
  error_of(to_change(fd_, kWrite, EV_ADD | EV_ONESHOT));
  error_of(to_change(fd_, kWrite, EV_ADD));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(look().size(), 1U);
}

TEST_F(InMemoryKqueueTest, WhatIsAbsentCanOnlyBeAdded) {
  for (const unsigned action : {EV_DELETE, EV_ENABLE, EV_DISABLE}) {
    EXPECT_EQ(error_of(to_change(fd_, kRead, action)), ENOENT) << action;
  }
  error_of(to_change(fd_, kWrite, EV_ADD));
  EXPECT_EQ(error_of(to_change(fd_, kRead, EV_DELETE)), ENOENT);
}

TEST_F(InMemoryKqueueTest, RefusesADescriptorThatIsNotOpen) {
  ends_.here.close();
  EXPECT_EQ(error_of(to_change(fd_, kRead, EV_ADD)), EBADF);
  EXPECT_EQ(error_of(to_change(fd_, kRead, EV_DELETE)), EBADF);
  EXPECT_EQ(error_of(to_change(-1, kRead, EV_ADD)), EBADF);
}

TEST_F(InMemoryKqueueTest, RefusesWhatItDoesNotHave) {
  EXPECT_EQ(error_of(to_change(fd_, -7, EV_ADD)), EINVAL);
  EXPECT_EQ(error_of(to_change(fd_, kRead, EV_ADD | EV_CLEAR)), EINVAL);
}

TEST_F(InMemoryKqueueTest, AFailedChangeBecomesAnEventAndTheOthersAreApplied) {
  const std::array changes = {to_change(fd_, kRead, EV_DELETE, 7), to_change(fd_, kWrite, EV_ADD)};
  const std::vector<Event> errors = exchange(changes);
  ASSERT_THAT(errors, ElementsAre(IsAbout(fd_, kRead)));
  EXPECT_TRUE(errors[0].has(EV_ERROR));
  EXPECT_EQ(errors[0].data, ENOENT);
  EXPECT_EQ(errors[0].udata, 7U);
  EXPECT_THAT(look(), ElementsAre(IsAbout(fd_, kWrite)));
}

TEST_F(InMemoryKqueueTest, WithoutRoomForItAnErrorIsThatOfTheCall) {
  const std::array changes = {to_change(fd_, kWrite, EV_ADD), to_change(fd_, kRead, EV_DELETE)};
  EXPECT_EQ(kernel_.kevent(kq_, changes, {}, nullptr), -1);
  EXPECT_EQ(last_error(), ENOENT);
  EXPECT_THAT(look(), ElementsAre(IsAbout(fd_, kWrite))) << "what came before it is applied";
}

TEST_F(InMemoryKqueueTest, AnErrorThatFollowsAnEventWithoutRoomForItIsThatOfTheCall) {
  const std::array changes = {to_change(fd_, kRead, EV_DELETE), to_change(-1, kRead, EV_ADD)};
  std::array<struct kevent, 1> room;
  EXPECT_EQ(kernel_.kevent(kq_, changes, room, nullptr), -1);
  EXPECT_EQ(last_error(), EBADF);
}

TEST_F(InMemoryKqueueTest, AReceiptAnswersEveryChangeAndNothingElse) {
  error_of(to_change(fd_, kWrite, EV_ADD));
  const std::array changes = {to_change(fd_, kRead, EV_ADD | EV_RECEIPT),
                              to_change(ends_.there.get(), kRead, EV_DELETE | EV_RECEIPT)};
  const std::vector<Event> receipts = exchange(changes);
  ASSERT_EQ(receipts.size(), 2U);
  EXPECT_TRUE(receipts[0].has(EV_ERROR));
  EXPECT_EQ(receipts[0].data, 0);
  EXPECT_TRUE(receipts[1].has(EV_ERROR));
  EXPECT_EQ(receipts[1].data, ENOENT);
}

TEST_F(InMemoryKqueueTest, WithoutRoomForAReceiptTheChangesAfterItAreNotMade) {
  const std::array changes = {to_change(fd_, kRead, EV_ADD | EV_RECEIPT),
                              to_change(fd_, kWrite, EV_ADD)};
  EXPECT_EQ(kernel_.kevent(kq_, changes, {}, nullptr), 0);
  EXPECT_THAT(look(), IsEmpty());
}

// Knotes that rest.

TEST_F(InMemoryKqueueTest, OneShotDeletesTheKnoteWithItsFirstEvent) {
  error_of(to_change(fd_, kWrite, EV_ADD | EV_ONESHOT));
  EXPECT_EQ(look().size(), 1U);
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_EQ(error_of(to_change(fd_, kWrite, EV_DELETE)), ENOENT);
}

TEST_F(InMemoryKqueueTest, DispatchDisablesTheKnoteWithItsFirstEvent) {
  error_of(to_change(fd_, kWrite, EV_ADD | EV_DISPATCH));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(look().size(), 1U);
    EXPECT_THAT(look(), IsEmpty());
    EXPECT_EQ(error_of(to_change(fd_, kWrite, EV_ENABLE)), 0);
  }
}

TEST_F(InMemoryKqueueTest, ADisabledKnoteIsSilentUntilItIsEnabledOrAddedAgain) {
  error_of(to_change(fd_, kWrite, EV_ADD | EV_DISABLE));
  EXPECT_THAT(look(), IsEmpty());
  error_of(to_change(fd_, kWrite, EV_ENABLE));
  EXPECT_EQ(look().size(), 1U);
  error_of(to_change(fd_, kWrite, EV_DISABLE));
  EXPECT_THAT(look(), IsEmpty());
  error_of(to_change(fd_, kWrite, EV_ADD));
  EXPECT_EQ(look().size(), 1U);
}

// What events say.

TEST_F(InMemoryKqueueTest, GoesOnReportingWhatIsNotDealtWith) {
  error_of(to_change(fd_, kWrite, EV_ADD));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(look().size(), 1U);
}

TEST_F(InMemoryKqueueTest, DataIsWhatCanBeReadOrHowMuchRoomThereIs) {
  error_of(to_change(fd_, kRead, EV_ADD));
  send_byte(ends_.there);
  send_byte(ends_.there);
  EXPECT_EQ(look()[0].data, 2);
  error_of(to_change(ends_.there.get(), kWrite, EV_ADD | EV_ONESHOT));
  error_of(to_change(fd_, kRead, EV_DISABLE));
  const long room = look()[0].data;
  send_byte(ends_.there);
  error_of(to_change(ends_.there.get(), kWrite, EV_ADD | EV_ONESHOT));
  EXPECT_LT(look()[0].data, room);
}

TEST_F(InMemoryKqueueTest, DataIsTheLengthOfTheBacklogForAListener) {
  const Listener listener;
  error_of(to_change(listener.fd.get(), kRead, EV_ADD));
  EXPECT_THAT(look(), IsEmpty());
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(listener.connect());
  EXPECT_EQ(look()[0].data, 3);
  const FileDescriptor accepted(check(::accept(listener.fd.get(), nullptr, nullptr), "accept"));
  EXPECT_EQ(look()[0].data, 2);
}

TEST_F(InMemoryKqueueTest, TheEndOfAPipeIsToldWithWhatIsLeftInIt) {
  Ends pipe = pipe_pair();
  error_of(to_change(pipe.here.get(), kRead, EV_ADD));
  send_byte(pipe.there);
  EXPECT_FALSE(look()[0].has(EV_EOF));
  pipe.there.close();
  const Event end = look()[0];
  EXPECT_TRUE(end.has(EV_EOF));
  EXPECT_EQ(end.fflags, 0U);
  EXPECT_EQ(end.data, 1);
}

TEST_F(InMemoryKqueueTest, APipeWithoutAReaderIsAtItsEndForBoth) {
  Ends pipe = pipe_pair();
  error_of(to_change(pipe.there.get(), kRead, EV_ADD));
  error_of(to_change(pipe.there.get(), kWrite, EV_ADD));
  pipe.here.close();
  const std::vector<Event> events = look();
  ASSERT_EQ(events.size(), 2U);
  for (const Event& event : events) EXPECT_TRUE(event.has(EV_EOF)) << event.filter;
}

TEST_F(InMemoryKqueueTest, APeerThatStopsSendingEndsReadingOnly) {
  error_of(to_change(fd_, kRead, EV_ADD));
  error_of(to_change(fd_, kWrite, EV_ADD));
  check(::shutdown(ends_.there.get(), SHUT_WR), "shutdown");
  for (const Event& event : look()) EXPECT_EQ(event.has(EV_EOF), event.filter == kRead);
}

TEST_F(InMemoryKqueueTest, AResetIsToldInFflagsAndNotTakenFromTheSocket) {
  const Listener listener;
  const FileDescriptor client = listener.connect();
  FileDescriptor server(check(::accept(listener.fd.get(), nullptr, nullptr), "accept"));
  error_of(to_change(client.get(), kRead, EV_ADD));
  const linger at_once = {1, 0};
  check(::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), "setsockopt");
  server.close();
  const Event end = look()[0];
  EXPECT_TRUE(end.has(EV_EOF));
  EXPECT_NE(end.fflags, 0U);
  int error = 0;
  socklen_t size = sizeof(error);
  check(::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
  EXPECT_EQ(error, ECONNRESET);
}

TEST_F(InMemoryKqueueTest, ARegularFileIsReadableBeforeItsEndOnly) {
  std::string path = ::testing::TempDir() + "/regular_XXXXXX";
  const FileDescriptor file(check(::mkstemp(path.data()), "mkstemp"));
  ::unlink(path.c_str());
  send_byte(file);
  error_of(to_change(file.get(), kRead, EV_ADD));
  EXPECT_THAT(look(), IsEmpty());
  check(::lseek(file.get(), 0, SEEK_SET), "lseek");
  EXPECT_EQ(look()[0].data, 1);
}

// Closing what is watched.

TEST_F(InMemoryKqueueTest, ClosingADescriptorDropsItsKnotesAlsoWhereADuplicateLives) {
  error_of(to_change(fd_, kWrite, EV_ADD));
  const FileDescriptor kept_open = duplicate_of(ends_.here);
  ends_.here.close();
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(InMemoryKqueueTest, ANewOwnerOfANumberInheritsNoKnotes) {
  error_of(to_change(fd_, kWrite, EV_ADD));
  const Ends others = socket_pair();
  check(::dup2(others.here.get(), fd_), "dup2");
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_EQ(error_of(to_change(fd_, kWrite, EV_DELETE)), ENOENT);
}

TEST_F(InMemoryKqueueTest, ANewFileUnderANumberInheritsNoKnotesEither) {
  std::string path = ::testing::TempDir() + "/regular_XXXXXX";
  const FileDescriptor file(check(::mkstemp(path.data()), "mkstemp"));
  ::unlink(path.c_str());
  error_of(to_change(file.get(), kWrite, EV_ADD));
  ASSERT_EQ(look().size(), 1U);
  check(::dup2(fd_, file.get()), "dup2");
  EXPECT_EQ(error_of(to_change(file.get(), kWrite, EV_DELETE)), ENOENT);
}

// Waiting.

TEST_F(InMemoryKqueueTest, WhatDoesNotFitComesWithTheNextCalls) {
  error_of(to_change(fd_, kWrite, EV_ADD));
  error_of(to_change(ends_.there.get(), kWrite, EV_ADD));
  send_byte(ends_.there);
  error_of(to_change(fd_, kRead, EV_ADD));
  std::vector<std::pair<int, int>> seen;
  for (int i = 0; i < 3; ++i) {
    const Event event = look(1)[0];
    seen.emplace_back(event.fd, event.filter);
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(std::pair(fd_, kRead), std::pair(fd_, kWrite),
                                                    std::pair(ends_.there.get(), kWrite)));
}

TEST_F(InMemoryKqueueTest, WithoutRoomForEventsDoesNotWait) {
  const timespec an_hour = {3600, 0};
  EXPECT_EQ(kernel_.kevent(kq_, {}, {}, &an_hour), 0);
  EXPECT_EQ(kernel_.kevent(kq_, {}, {}, nullptr), 0);
}

TEST_F(InMemoryKqueueTest, RefusesTimeoutsThatDarwinRefuses) {
  std::array<struct kevent, 1> room;
  for (const timespec& timeout :
       {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}, timespec{100'000'001, 0}}) {
    EXPECT_EQ(kernel_.kevent(kq_, {}, room, &timeout), -1);
    EXPECT_EQ(last_error(), EINVAL);
  }
}

TEST_F(InMemoryKqueueTest, ASignalInterruptsAWait) {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  struct sigaction old;
  check(::sigaction(SIGALRM, &action, &old), "sigaction");
  const itimerval again_and_again = {{0, 5'000}, {0, 5'000}};
  check(::setitimer(ITIMER_REAL, &again_and_again, nullptr), "setitimer");
  std::array<struct kevent, 1> room;
  EXPECT_EQ(kernel_.kevent(kq_, {}, room, nullptr), -1);
  EXPECT_EQ(last_error(), EINTR);
  const itimerval never{};
  check(::setitimer(ITIMER_REAL, &never, nullptr), "setitimer");
  check(::sigaction(SIGALRM, &old, nullptr), "sigaction");
}

// The queue itself.

TEST_F(InMemoryKqueueTest, IsReadableWhileItHasSomethingToSay) {
  pollfd polled = {kq_, POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
  error_of(to_change(fd_, kWrite, EV_ADD));
  EXPECT_EQ(::poll(&polled, 1, 0), 1);
  error_of(to_change(fd_, kWrite, EV_DELETE));
  EXPECT_EQ(::poll(&polled, 1, 0), 0);
}

TEST_F(InMemoryKqueueTest, StaysOpenWhenAnotherProgramIsExecuted) {
  EXPECT_EQ(check(::fcntl(kq_, F_GETFD), "fcntl"), 0);
}

TEST_F(InMemoryKqueueTest, IsNotInheritedByForkedChildren) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    const bool open = ::fcntl(kq_, F_GETFD) != -1;
    ::_exit(!open && error_of(to_change(fd_, kRead, EV_ADD)) == EBADF ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(error_of(to_change(fd_, kRead, EV_ADD)), 0);
}

TEST_F(InMemoryKqueueTest, OnceClosedIsNoQueueAnyMore) {
  const int other = check(kernel_.kqueue(), "kqueue");
  EXPECT_EQ(kernel_.close(other), 0);
  EXPECT_EQ(::fcntl(other, F_GETFD), -1);
  EXPECT_EQ(kernel_.kevent(other, {}, {}, nullptr), -1);
  EXPECT_EQ(last_error(), EBADF);
  EXPECT_EQ(kernel_.close(other), -1);
}

}  // namespace
}  // namespace asyncio
