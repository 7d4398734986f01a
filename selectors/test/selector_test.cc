// What every back end must do.

#include "asyncio/selectors/selector.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector_map.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/ends.h"
#include "selectors/test/every_selector.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr EventMask kReadWrite = kEventRead | kEventWrite;

// Writes until the other end takes no more.
void fill(const FileDescriptor& fd) {
  const std::array<char, 4096> block{};
  while (::write(fd.get(), block.data(), block.size()) != -1) {
  }
}

FileDescriptor second_descriptor_of(const FileDescriptor& fd) {
  return FileDescriptor(check(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
}

bool still_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

std::string words_of(auto&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no exception";
}

// The result of `child`, which runs in a forked process.
int exit_code_of(auto child) {
  const pid_t pid = check(::fork(), "fork");
  if (pid == 0) ::_exit(child());
  int status = 0;
  check(retry_on_interrupt([&] { return ::waitpid(pid, &status, 0); }), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The answers as bits, the first one lowest: for the exit code of a child.
int to_bits(std::initializer_list<bool> answers) {
  int bits = 0;
  int bit = 1;
  for (const bool answer : answers) {
    if (answer) bits |= bit;
    bit <<= 1;
  }
  return bits;
}

template <class Error>
bool throws(auto&& call) {
  try {
    call();
  } catch (const Error&) {
    return true;
  }
  return false;
}

using SelectorTest = EverySelectorTest;

INSTANTIATE_TEST_SUITE_P(, SelectorTest, every_selector(), kind_name);

// Registration.

TEST_P(SelectorTest, AnswersARegistrationWithItsKey) {
  const Ends ends = socket_pair();
  int data = 0;
  const SelectorKey expected{ends.here.get(), kEventRead, &data};
  EXPECT_EQ(selector_->add(ends.here.get(), kEventRead, &data), expected);
  EXPECT_EQ(selector_->get_key(ends.here.get()), expected);
}

TEST_P(SelectorTest, RefusesEventsThatAreNoneOrUnknown) {
  const Ends ends = socket_pair();
  for (const EventMask events : {0U, 4U, 999U, kReadWrite | 4U}) {
    EXPECT_THROW(selector_->add(ends.here.get(), events), std::invalid_argument) << events;
  }
  EXPECT_TRUE(selector_->get_map().empty());
  EXPECT_EQ(words_of([&] { selector_->add(ends.here.get(), 999); }), "Invalid events: 999");
}

TEST_P(SelectorTest, RefusesNegativeDescriptorsEverywhere) {
  EXPECT_THROW(selector_->add(-1, kEventRead), std::invalid_argument);
  EXPECT_THROW(selector_->modify(-1, kEventRead), std::invalid_argument);
  EXPECT_THROW(selector_->remove(-10), std::invalid_argument);
  EXPECT_THROW(selector_->get_key(-1), std::invalid_argument);
  EXPECT_THROW(selector_->get_map().contains(-1), std::invalid_argument);
  EXPECT_EQ(words_of([&] { selector_->add(-10, kEventRead); }), "Invalid file descriptor: -10");
}

TEST_P(SelectorTest, RefusesADescriptorASecondTime) {
  const Ends ends = socket_pair();
  const int fd = ends.here.get();
  const SelectorKey key = selector_->add(fd, kEventRead);
  EXPECT_THROW(selector_->add(fd, kEventWrite), std::out_of_range);
  EXPECT_EQ(selector_->get_key(fd), key);
  const std::string number = std::to_string(fd);
  EXPECT_EQ(words_of([&] { selector_->add(fd, kEventRead); }),
            number + " (FD " + number + ") is already registered");
}

TEST_P(SelectorTest, RefusesADescriptorThatIsNotOpenAndKeepsNoEntry) {
  const int fd = socket_pair().here.get();
  try {
    selector_->add(fd, kEventRead);
    FAIL() << "added";
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), EBADF);
  }
  EXPECT_FALSE(selector_->get_map().contains(fd));
  EXPECT_THAT(select(), IsEmpty());
}

TEST_P(SelectorTest, RemovesOnce) {
  const Ends ends = socket_pair();
  const int fd = ends.here.get();
  const SelectorKey key = selector_->add(fd, kEventWrite);
  EXPECT_EQ(selector_->remove(fd), key);
  EXPECT_THROW(selector_->remove(fd), std::out_of_range);
  EXPECT_THAT(select(), IsEmpty());
}

TEST_P(SelectorTest, RefusesToRemoveAnUnknownDescriptor) {
  const Ends ends = socket_pair();
  EXPECT_THROW(selector_->remove(ends.here.get()), std::out_of_range);
  EXPECT_THROW(selector_->remove(999'999), std::out_of_range);
  EXPECT_EQ(words_of([&] { selector_->remove(999'999); }), "999999 is not registered");
}

TEST_P(SelectorTest, RemovingAnFdThatWasClosedMeanwhileSucceeds) {
  Ends ends = socket_pair();
  const SelectorKey read = selector_->add(ends.here.get(), kEventRead);
  const SelectorKey write = selector_->add(ends.there.get(), kEventWrite);
  ends = Ends();
  EXPECT_EQ(selector_->remove(read.fd), read);
  EXPECT_EQ(selector_->remove(write.fd), write);
  EXPECT_THAT(select(), IsEmpty());
}

TEST_P(SelectorTest, RemovingAnFdWhoseNumberBelongsToSomebodyElseByNowSucceeds) {
  const Ends ends = socket_pair();
  const Ends others = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  check(::dup2(others.here.get(), ends.here.get()), "dup2");
  EXPECT_EQ(selector_->remove(key.fd), key);
  EXPECT_FALSE(selector_->get_map().contains(key.fd));
}

TEST_P(SelectorTest, ModifiesEvents) {
  const Ends ends = socket_pair();
  const int fd = ends.here.get();
  selector_->add(fd, kEventRead);
  ASSERT_THAT(select(), IsEmpty());
  const SelectorKey key = selector_->modify(fd, kEventWrite);
  EXPECT_EQ(key, (SelectorKey{fd, kEventWrite, nullptr}));
  EXPECT_EQ(selector_->get_key(fd), key);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventWrite}));
  selector_->modify(fd, kEventRead);
  EXPECT_THAT(select(), IsEmpty());
}

TEST_P(SelectorTest, ModifiesDataAlone) {
  const Ends ends = socket_pair();
  int first = 0;
  int second = 0;
  selector_->add(ends.here.get(), kEventWrite, &first);
  const SelectorKey key = selector_->modify(ends.here.get(), kEventWrite, &second);
  EXPECT_EQ(key.data, &second);
  EXPECT_EQ(selector_->get_key(ends.here.get()), key);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventWrite}));
}

TEST_P(SelectorTest, RefusesToModifyWhatIsNotRegistered) {
  const Ends ends = socket_pair();
  EXPECT_THROW(selector_->modify(ends.here.get(), kEventRead), std::out_of_range);
  EXPECT_EQ(words_of([&] { selector_->modify(999'999, kEventRead); }), "999999 is not registered");
}

TEST_P(SelectorTest, RefusesToModifyToNoneOrUnknownEventsAndChangesNothing) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventWrite);
  EXPECT_THROW(selector_->modify(key.fd, 0), std::invalid_argument);
  EXPECT_THROW(selector_->modify(key.fd, 8), std::invalid_argument);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventWrite}));
}

TEST_P(SelectorTest, AModifyThatTheOsRefusesDropsTheRegistration) {
  Ends ends = socket_pair();
  const int fd = ends.here.get();
  selector_->add(fd, kEventRead);
  ends.here.close();
  EXPECT_THROW(selector_->modify(fd, kEventWrite), OsError);
  EXPECT_FALSE(selector_->get_map().contains(fd));
  EXPECT_THAT(select(), IsEmpty());
}

// Looking things up.

TEST_P(SelectorTest, KnowsOnlyTheKeysThatAreRegistered) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  EXPECT_EQ(selector_->get_key(key.fd), key);
  EXPECT_THROW(selector_->get_key(ends.there.get()), std::out_of_range);
  EXPECT_THROW(selector_->get_key(999'999), std::out_of_range);
}

TEST_P(SelectorTest, ItsMapIsLive) {
  const Ends ends = socket_pair();
  const SelectorMap& map = selector_->get_map();
  EXPECT_EQ(map.size(), 0U);
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  EXPECT_EQ(map.size(), 1U);
  EXPECT_TRUE(map.contains(key.fd));
  EXPECT_EQ(map.at(key.fd), key);
  EXPECT_EQ(map.get(key.fd), key);
  selector_->remove(key.fd);
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains(key.fd));
}

TEST_P(SelectorTest, ItsMapAnswersForMissingKeys) {
  const Ends ends = socket_pair();
  EXPECT_EQ(selector_->get_map().get(ends.here.get()), std::nullopt);
  EXPECT_THROW(selector_->get_map().at(ends.here.get()), std::out_of_range);
}

TEST_P(SelectorTest, ItsMapVisitsKeysInTheOrderOfTheirDescriptors) {
  static_assert(std::ranges::input_range<const SelectorMap&>);
  const Ends ends = socket_pair();
  const Ends others = socket_pair();
  std::vector<int> fds = {others.there.get(), ends.here.get(), others.here.get()};
  for (const int fd : fds) selector_->add(fd, kEventRead);
  std::vector<int> visited;
  for (const SelectorKey& key : selector_->get_map()) visited.push_back(key.fd);
  std::ranges::sort(fds);
  EXPECT_EQ(visited, fds);
}

// Readiness.

TEST_P(SelectorTest, ReportsOnlyTheWritableEndOfAFreshPair) {
  const Ends ends = socket_pair();
  selector_->add(ends.here.get(), kEventRead);
  const SelectorKey writable = selector_->add(ends.there.get(), kEventWrite);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{writable, kEventWrite}));
}

TEST_P(SelectorTest, ReportsAnFdThatIsReadyForBoth) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kReadWrite);
  send_byte(ends.there);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kReadWrite}));
}

TEST_P(SelectorTest, ReportsOnlyWhatWasAskedFor) {
  const Ends ends = socket_pair();
  send_byte(ends.there);
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
  const SelectorKey other = selector_->modify(ends.here.get(), kEventWrite);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{other, kEventWrite}));
}

TEST_P(SelectorTest, DescriptorsMayComeAndGoWhileTheResultIsRead) {
  std::vector<Ends> pairs;
  std::vector<int> expected;
  for (int i = 0; i < 8; ++i) {
    pairs.push_back(socket_pair());
    expected.push_back(pairs.back().here.get());
    selector_->add(expected.back(), kEventWrite);
  }
  std::vector<int> seen;
  for (const ReadyKey& ready : selector_->select(0s)) {
    selector_->add(pairs[seen.size()].there.get(), kEventRead);
    seen.push_back(ready.key.fd);
    selector_->remove(ready.key.fd);
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(expected));
}

TEST_P(SelectorTest, GoesOnReportingWhatIsNotDealtWith) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  send_byte(ends.there);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_P(SelectorTest, ReportsAHangUpToWhoeverReads) {
  Ends ends = pipe_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  ends.there.close();
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_P(SelectorTest, ReportsAnErrorAsReadableAndWritable) {
  Ends ends = pipe_pair();
  fill(ends.there);
  const SelectorKey key = selector_->add(ends.there.get(), kReadWrite);
  ASSERT_THAT(select(), IsEmpty());
  ends.here.close();
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kReadWrite}));
}

TEST_P(SelectorTest, APeerThatOnlyStopsSendingDoesNotMakeAFullWriterReady) {
  const Ends ends = socket_pair();
  fill(ends.here);
  const SelectorKey key = selector_->add(ends.here.get(), kReadWrite);
  check(::shutdown(ends.there.get(), SHUT_WR), "shutdown");
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_P(SelectorTest, APeerThatIsGoneMakesReaderAndWriterReady) {
  Ends ends = socket_pair();
  fill(ends.here);
  const SelectorKey key = selector_->add(ends.here.get(), kReadWrite);
  ends.there.close();
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kReadWrite}));
}

TEST_P(SelectorTest, MovesAllDataThroughTwelvePairs) {
  constexpr std::size_t kBytes = 500;
  std::array<Ends, 12> pairs;
  std::array<std::size_t, 12> received{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = socket_pair();
    selector_->add(pairs[i].here.get(), kEventRead, &received[i]);
    selector_->add(pairs[i].there.get(), kEventWrite);
  }
  while (!selector_->get_map().empty()) {
    for (const ReadyKey& ready : select(std::nullopt)) {
      auto* count = static_cast<std::size_t*>(ready.key.data);
      if (count == nullptr) {
        check(::write(ready.key.fd, std::string(kBytes, 'x').data(), kBytes), "write");
        selector_->remove(ready.key.fd);
        continue;
      }
      std::array<char, 64> block;
      *count += static_cast<std::size_t>(check(::read(ready.key.fd, block.data(), 64), "read"));
      if (*count == kBytes) selector_->remove(ready.key.fd);
    }
  }
  for (const std::size_t count : received) EXPECT_EQ(count, kBytes);
}

TEST_P(SelectorTest, EventsOfAClosedFdNeverReachTheNewOwnerOfItsNumber) {
  Ends old = socket_pair();
  const FileDescriptor kept_open = second_descriptor_of(old.here);
  int old_owner = 0;
  int new_owner = 0;
  const int fd = old.here.get();
  selector_->add(fd, kEventRead, &old_owner);
  send_byte(old.there);
  old.here.close();
  selector_->remove(fd);
  Ends fresh = socket_pair();
  const FileDescriptor reused(check(::dup2(fresh.here.get(), fd), "dup2"));
  const SelectorKey key = selector_->add(fd, kEventRead, &new_owner);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(select(), IsEmpty());
  send_byte(fresh.there);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
}

TEST_P(SelectorTest, ADescriptorThatCameBackUnderItsOldNumberCanBeAddedAgain) {
  Ends ends = socket_pair();
  const FileDescriptor kept_open = second_descriptor_of(ends.here);
  const int fd = ends.here.get();
  selector_->add(fd, kEventRead);
  ends.here.close();
  selector_->remove(fd);
  const FileDescriptor back(check(::dup2(kept_open.get(), fd), "dup2"));
  const SelectorKey key = selector_->add(fd, kEventWrite);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventWrite}));
}

// Closing.

TEST_P(SelectorTest, OnceClosedRefusesEverythingButLooking) {
  const Ends ends = socket_pair();
  const SelectorMap& map = selector_->get_map();
  const int fd = ends.here.get();
  selector_->add(fd, kEventRead);
  selector_->close();
  EXPECT_TRUE(selector_->is_closed());
  EXPECT_EQ(words_of([&] { selector_->get_key(fd); }), "Selector is closed");
  EXPECT_THROW(selector_->get_key(fd), std::runtime_error);
  EXPECT_THROW(selector_->add(fd, kEventRead), std::runtime_error);
  EXPECT_THROW(selector_->modify(fd, kEventRead), std::runtime_error);
  EXPECT_THROW(selector_->remove(fd), std::runtime_error);
  EXPECT_THROW(selector_->select(0s), std::runtime_error);
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains(fd));
  EXPECT_EQ(map.begin(), map.end());
  EXPECT_EQ(selector_->fileno(), -1);
}

TEST_P(SelectorTest, ClosesTwiceWithoutHarm) {
  EXPECT_FALSE(selector_->is_closed());
  selector_->close();
  selector_->close();
  EXPECT_TRUE(selector_->is_closed());
}

TEST_P(SelectorTest, ItsFilenoWherePresentIsAValidFdThatChildrenDoNotInherit) {
  const int fd = selector_->fileno();
  if (fd == -1) return;
  EXPECT_EQ(check(::fcntl(fd, F_GETFD), "fcntl"), FD_CLOEXEC);
  selector_->close();
  EXPECT_FALSE(still_open(fd));
}

TEST_P(SelectorTest, LeavingTheScopeClosesIt) {
  const FileDescriptor first_free(check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  for (int i = 0; i < 3; ++i) {
    const Ends ends = socket_pair();
    const std::unique_ptr<Selector> other = GetParam().open();
    other->add(ends.here.get(), kReadWrite);
  }
  const FileDescriptor next_free = second_descriptor_of(first_free);
  EXPECT_EQ(next_free.get(), first_free.get() + 1);
}

// Forks.

TEST_P(SelectorTest, AForkedChildCannotUseIt) {
  const Ends ends = socket_pair();
  const int fd = ends.here.get();
  selector_->add(fd, kEventRead);
  const int answers = exit_code_of([&] {
    return to_bits(
        {throws<std::runtime_error>([&] { selector_->add(ends.there.get(), kReadWrite); }),
         throws<std::runtime_error>([&] { selector_->modify(fd, kReadWrite); }),
         throws<std::runtime_error>([&] { selector_->remove(fd); }),
         throws<std::runtime_error>([&] { selector_->select(0s); })});
  });
  EXPECT_EQ(answers, 0b1111);
}

TEST_P(SelectorTest, AForkedChildThatClosesItLeavesTheParentsAlone) {
  const Ends ends = socket_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventRead);
  EXPECT_EQ(exit_code_of([&] {
              const int fd = selector_->fileno();
              selector_->close();
              return to_bits({selector_->is_closed(), !still_open(fd)});
            }),
            0b11);
  EXPECT_EQ(exit_code_of([&] {
              selector_.reset();
              return 0;
            }),
            0);
  send_byte(ends.there);
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventRead}));
}

// Many descriptors: for back ends without the limit of FD_SETSIZE.

class ScalableSelectorTest : public SelectorTest {};

INSTANTIATE_TEST_SUITE_P(, ScalableSelectorTest, every_scalable_selector(), kind_name);

TEST_P(ScalableSelectorTest, ReportsAHangUpToWhoeverWrites) {
  Ends ends = pipe_pair();
  const SelectorKey key = selector_->add(ends.here.get(), kEventWrite);
  ASSERT_THAT(select(), IsEmpty());
  ends.there.close();
  EXPECT_THAT(select(), ElementsAre(ReadyKey{key, kEventWrite}));
}

// As many duplicates of `fd` as the process may have, 65,536 at most, less the few that sanitizers
// need for a while.
std::vector<FileDescriptor> duplicate_to_the_limit(const FileDescriptor& fd) {
  std::vector<FileDescriptor> all;
  while (all.size() < 65'536) {
    const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
    if (copy == -1) break;
    all.emplace_back(copy);
  }
  all.resize(all.size() - 16);
  return all;
}

TEST_P(ScalableSelectorTest, ReportsAllOfAsManyDescriptorsAsTheProcessMayHave) {
  rlimit limit;
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  const Ends ends = pipe_pair();
  send_byte(ends.there);
  const std::vector<FileDescriptor> all = duplicate_to_the_limit(ends.here);
  ASSERT_GT(all.size(), 1024U);
  for (const FileDescriptor& fd : all) selector_->add(fd.get(), kEventRead);
  EXPECT_EQ(selector_->get_map().size(), all.size());
  std::set<int> seen;
  for (std::size_t i = 0; i <= all.size() / 1024; ++i) {
    for (const ReadyKey& ready : selector_->select(0s)) seen.insert(ready.key.fd);
  }
  EXPECT_EQ(seen.size(), all.size());
}

}  // namespace
}  // namespace asyncio
