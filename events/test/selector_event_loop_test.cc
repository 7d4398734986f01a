#include "asyncio/events/selector_event_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/epoll_selector.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/poll_selector.h"
#include "asyncio/selectors/select_selector.h"
#include "asyncio/selectors/selector.h"
#include "events/test/child_process.h"
#include "events/test/thread_state.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr char kLoopIsClosed[] = "Event loop is closed";

// Two descriptors that belong together.
struct Ends {
  FileDescriptor here;
  FileDescriptor there;
};

Ends socket_pair() {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), "socketpair");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

void send_byte(const FileDescriptor& fd) { check(::write(fd.get(), "x", 1), "write"); }

char receive_byte(const FileDescriptor& fd) {
  char byte = 0;
  check(::read(fd.get(), &byte, 1), "read");
  return byte;
}

// Writes until the other end takes no more.
void fill(const FileDescriptor& fd) {
  const std::array<char, 4096> block{};
  while (::write(fd.get(), block.data(), block.size()) != -1) {
  }
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

// Descriptors, on every back end.

struct Kind {
  const char* name;
  std::unique_ptr<Selector> (*open)();
};

template <class BackEnd>
std::unique_ptr<Selector> open() {
  return std::make_unique<BackEnd>();
}

class SelectorEventLoopTest : public ::testing::TestWithParam<Kind> {
 protected:
  SelectorEventLoopTest() {
    std::unique_ptr<Selector> selector = GetParam().open();
    selector_ = selector.get();
    loop_.emplace(std::move(selector));
    loop_->set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { reports_.push_back(context); });
  }

  // One turn that does not wait.
  void turn() {
    loop_->stop();
    loop_->run_forever();
  }

  Callback mark(std::string text) {
    return [this, text = std::move(text)] { log_.push_back(text); };
  }

  // What the selector watches `fd` for.
  EventMask interest_in(const FileDescriptor& fd) const {
    const auto key = selector_->get_map().get(fd.get());
    return key.has_value() ? key->events : 0;
  }

  std::vector<std::string> log_;
  std::vector<ExceptionContext> reports_;
  Selector* selector_ = nullptr;  // the loop's
  std::optional<SelectorEventLoop> loop_;
  Ends pair_ = socket_pair();
};

INSTANTIATE_TEST_SUITE_P(BackEnds, SelectorEventLoopTest,
                         ::testing::Values(Kind{"Epoll", open<EpollSelector>},
                                           Kind{"Poll", open<PollSelector>},
                                           Kind{"Select", open<SelectSelector>}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(SelectorEventLoopTest, AReaderRunsOnceATurnForAsLongAsItsDescriptorIsReadable) {
  loop_->add_reader(pair_.here.get(), mark("read"));
  turn();
  EXPECT_THAT(log_, IsEmpty());
  send_byte(pair_.there);
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "read"));
  receive_byte(pair_.here);
  turn();
  EXPECT_EQ(log_.size(), 2U);
}

TEST_P(SelectorEventLoopTest, AWriterRunsOnceATurnForAsLongAsItsDescriptorIsWritable) {
  loop_->add_writer(pair_.here.get(), mark("write"));
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre("write", "write"));
  fill(pair_.here);
  turn();
  EXPECT_EQ(log_.size(), 2U);
}

TEST_P(SelectorEventLoopTest, ArgumentsAreBoundByTheCallback) {
  std::vector<char> received;
  loop_->add_reader(pair_.here.get(), [&] {
    received.push_back(receive_byte(pair_.here));
    if (received.size() == 3) loop_->stop();
  });
  for (int i = 0; i < 3; ++i) send_byte(pair_.there);
  loop_->run_forever();
  EXPECT_THAT(received, ElementsAre('x', 'x', 'x'));
}

TEST_P(SelectorEventLoopTest, AReaderMayRemoveItself) {
  auto object = std::make_shared<int>(1);
  std::optional<long> owners_inside;
  std::optional<bool> removed;
  loop_->add_reader(pair_.here.get(), [&, object] {
    removed = loop_->remove_reader(pair_.here.get());
    owners_inside = object.use_count();
  });
  send_byte(pair_.there);
  turn();
  turn();
  EXPECT_EQ(removed, true);
  EXPECT_EQ(owners_inside, 2);
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_EQ(interest_in(pair_.here), 0U);
}

TEST_P(SelectorEventLoopTest, AReaderMayReplaceItself) {
  loop_->add_reader(pair_.here.get(),
                    [&, words = std::string("a text too long to be stored inside")] {
                      loop_->add_reader(pair_.here.get(), mark("second"));
                      log_.push_back(words);
                    });
  send_byte(pair_.there);
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre("a text too long to be stored inside", "second"));
}

TEST_P(SelectorEventLoopTest, RemovingAnswersWhetherThereWasAnything) {
  const int fd = pair_.here.get();
  EXPECT_FALSE(loop_->remove_reader(fd));
  EXPECT_FALSE(loop_->remove_writer(fd));
  loop_->add_reader(fd, [] {});
  EXPECT_FALSE(loop_->remove_writer(fd));
  EXPECT_TRUE(loop_->remove_reader(fd));
  EXPECT_FALSE(loop_->remove_reader(fd));
  loop_->add_writer(fd, [] {});
  EXPECT_FALSE(loop_->remove_reader(fd));
  EXPECT_TRUE(loop_->remove_writer(fd));
  EXPECT_FALSE(loop_->remove_writer(fd));
  EXPECT_FALSE(loop_->remove_reader(100'000));
  EXPECT_FALSE(loop_->remove_writer(-1));
}

TEST_P(SelectorEventLoopTest, ADescriptorIsWatchedForExactlyWhatThereAreCallbacksFor) {
  const int fd = pair_.here.get();
  loop_->add_reader(fd, [] {});
  EXPECT_EQ(interest_in(pair_.here), kEventRead);
  loop_->add_writer(fd, [] {});
  EXPECT_EQ(interest_in(pair_.here), kEventRead | kEventWrite);
  loop_->remove_reader(fd);
  EXPECT_EQ(interest_in(pair_.here), kEventWrite);
  loop_->remove_writer(fd);
  EXPECT_FALSE(selector_->get_map().contains(fd));
}

TEST_P(SelectorEventLoopTest, ASecondAddReplacesTheCallbackAndKeepsTheOther) {
  auto object = std::make_shared<int>(1);
  loop_->add_writer(pair_.here.get(), mark("write"));
  loop_->add_reader(pair_.here.get(), [object] { FAIL(); });
  loop_->add_reader(pair_.here.get(), mark("read"));
  EXPECT_EQ(object.use_count(), 1);
  send_byte(pair_.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "write"));
}

TEST_P(SelectorEventLoopTest, TheReaderRunsBeforeTheWriterOfADescriptor) {
  loop_->add_writer(pair_.here.get(), mark("write"));
  loop_->add_reader(pair_.here.get(), mark("read"));
  send_byte(pair_.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "write"));
}

TEST_P(SelectorEventLoopTest, DescriptorsComeAfterWhatWasDueAndBeforeTimers) {
  loop_->call_later(0s, mark("timer"));
  loop_->add_reader(pair_.here.get(), mark("read"));
  send_byte(pair_.there);
  loop_->call_soon(mark("soon"));
  loop_->call_soon_threadsafe(mark("posted"));
  turn();
  EXPECT_THAT(log_, ElementsAre("soon", "posted", "read", "timer"));
}

TEST_P(SelectorEventLoopTest, BothEndsOfASocketMayBeWatched) {
  int passes = 0;
  const auto pass = [&](const FileDescriptor& from) {
    receive_byte(from);
    if (++passes == 10) return loop_->stop();
    send_byte(from);
  };
  loop_->add_reader(pair_.here.get(), [&] { pass(pair_.here); });
  loop_->add_reader(pair_.there.get(), [&] { pass(pair_.there); });
  send_byte(pair_.here);
  loop_->run_forever();
  EXPECT_EQ(passes, 10);
}

TEST_P(SelectorEventLoopTest, AHangUpIsReportedToReaderAndWriter) {
  fill(pair_.here);
  loop_->add_reader(pair_.here.get(), mark("read"));
  loop_->add_writer(pair_.here.get(), mark("write"));
  turn();
  EXPECT_THAT(log_, IsEmpty());
  pair_.there.close();
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "write"));
}

// Whichever of the two runs first must keep the other, which is due already, from running.
TEST_P(SelectorEventLoopTest, ACallbackRemovedByAnEarlierOneOfTheSameTurnDoesNotRun) {
  const Ends other = socket_pair();
  loop_->add_reader(pair_.here.get(), [&] {
    log_.push_back("one");
    loop_->remove_reader(other.here.get());
  });
  loop_->add_reader(other.here.get(), [&] {
    log_.push_back("one");
    loop_->remove_reader(pair_.here.get());
  });
  send_byte(pair_.there);
  send_byte(other.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("one"));
}

TEST_P(SelectorEventLoopTest, AWriterRemovedByItsReaderDoesNotRun) {
  loop_->add_reader(pair_.here.get(), [&] { EXPECT_TRUE(loop_->remove_writer(pair_.here.get())); });
  loop_->add_writer(pair_.here.get(), [] { FAIL(); });
  send_byte(pair_.there);
  turn();
  EXPECT_EQ(interest_in(pair_.here), kEventRead);
}

TEST_P(SelectorEventLoopTest, ACallbackReplacedInTheTurnInWhichItIsDueRunsNextTurnOnly) {
  loop_->add_reader(pair_.here.get(), [&] {
    log_.push_back("read");
    loop_->add_writer(pair_.here.get(), mark("new writer"));
  });
  loop_->add_writer(pair_.here.get(), [] { FAIL(); });
  send_byte(pair_.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("read"));
  receive_byte(pair_.here);
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "new writer"));
}

// While its event is due a descriptor is removed and closed, and its number goes to another file.
TEST_P(SelectorEventLoopTest, AStaleEventDoesNotReachTheNewOwnerOfANumber) {
  Ends other = socket_pair();
  const Ends fresh = socket_pair();  // nothing to read
  const auto give_number_away = [&](FileDescriptor& victim) {
    log_.push_back("first");
    const int number = victim.get();
    loop_->remove_reader(number);
    victim.close();
    victim.reset(check(::fcntl(fresh.here.get(), F_DUPFD_CLOEXEC, number), "fcntl"));
    ASSERT_EQ(victim.get(), number);
    loop_->add_reader(number, mark("new owner"));
  };
  loop_->add_reader(pair_.here.get(), [&] {
    receive_byte(pair_.here);
    give_number_away(other.here);
  });
  loop_->add_reader(other.here.get(), [&] {
    receive_byte(other.here);
    give_number_away(pair_.here);
  });
  send_byte(pair_.there);
  send_byte(other.there);
  turn();
  turn();
  EXPECT_THAT(log_, ElementsAre("first"));
  send_byte(fresh.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("first", "new owner"));
}

TEST_P(SelectorEventLoopTest, RemovingSucceedsAfterTheDescriptorWasClosed) {
  const int fd = pair_.here.get();
  loop_->add_reader(fd, [] { FAIL(); });
  pair_.here.close();
  EXPECT_TRUE(loop_->remove_reader(fd));
  turn();
}

TEST_P(SelectorEventLoopTest, AReaderThatThrowsIsReportedAndStaysRegistered) {
  loop_->add_reader(pair_.here.get(), [] { throw std::runtime_error("boom"); });
  send_byte(pair_.there);
  turn();
  turn();
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_EQ(reports_[0].message, "Exception in callback");
  EXPECT_TRUE(loop_->remove_reader(pair_.here.get()));
}

// As destructors do.
TEST_P(SelectorEventLoopTest, WhatAForkedChildRemovesItsParentGoesOnWatching) {
  const int fd = pair_.here.get();
  loop_->add_reader(fd, mark("read"));
  loop_->add_writer(fd, mark("write"));
  EXPECT_EQ(exit_code_of([&] {
              const bool both = loop_->remove_writer(fd) && loop_->remove_reader(fd);
              return both && !loop_->remove_reader(fd) ? 7 : 8;
            }),
            7);
  send_byte(pair_.there);
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "write"));
}

TEST_P(SelectorEventLoopTest, AReaderLeftDueByAFatalErrorRunsOnceInTheNextTurn) {
  loop_->add_reader(pair_.here.get(), mark("read"));
  loop_->call_soon([] { throw KeyboardInterrupt(); });
  send_byte(pair_.there);
  EXPECT_THROW(loop_->run_forever(), KeyboardInterrupt);
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre("read"));
  turn();
  EXPECT_THAT(log_, ElementsAre("read", "read"));
}

TEST_P(SelectorEventLoopTest, AReaderMayThrowAFatalErrorAndRunsAgain) {
  loop_->add_reader(pair_.here.get(), [&] {
    log_.push_back("read");
    throw SystemExit(1);
  });
  send_byte(pair_.there);
  EXPECT_THROW(loop_->run_forever(), SystemExit);
  EXPECT_THROW(loop_->run_forever(), SystemExit);
  EXPECT_THAT(log_, ElementsAre("read", "read"));
}

TEST_P(SelectorEventLoopTest, AReaderDueInTheTurnThatStopsTheLoopRunsOnce) {
  loop_->add_reader(pair_.here.get(), [&] {
    receive_byte(pair_.here);
    log_.push_back("read");
  });
  send_byte(pair_.there);
  for (int run = 0; run < 2; ++run) {
    loop_->call_soon([&] { loop_->stop(); });
    loop_->run_forever();
    EXPECT_THAT(log_, ElementsAre("read"));
  }
}

TEST_P(SelectorEventLoopTest, ANegativeDescriptorIsRefused) {
  EXPECT_EQ(thrown_words<std::invalid_argument>([&] { loop_->add_reader(-1, [] {}); }),
            "Invalid file descriptor");
  EXPECT_EQ(thrown_words<std::invalid_argument>([&] { loop_->add_writer(-5, [] {}); }),
            "Invalid file descriptor");
}

TEST_P(SelectorEventLoopTest, AClosedLoopRefusesCallbacksAndHasNoneToRemove) {
  const int fd = pair_.here.get();
  auto object = std::make_shared<int>(1);
  loop_->add_reader(fd, [object] {});
  loop_->add_writer(fd, [object] {});
  loop_->close();
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_->add_reader(fd, [] {}); }), kLoopIsClosed);
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_->add_writer(fd, [] {}); }), kLoopIsClosed);
  EXPECT_FALSE(loop_->remove_reader(fd));
  EXPECT_FALSE(loop_->remove_writer(fd));
}

TEST_P(SelectorEventLoopTest, TheLoopKeepsOneRegistrationForItselfAndClosesTheSelector) {
  EXPECT_EQ(selector_->get_map().size(), 1U);
  loop_->add_reader(pair_.here.get(), [] {});
  loop_->close();
  EXPECT_TRUE(selector_->is_closed());
  EXPECT_EQ(selector_->get_map().size(), 0U);
  EXPECT_TRUE(is_open(pair_.here.get()));
}

// What a callback captures may be the very owner of the descriptor.
struct Connection {
  ~Connection() {
    loop.remove_reader(socket.get());
    loop.remove_writer(socket.get());
  }
  EventLoop& loop;
  FileDescriptor socket;
};

TEST_P(SelectorEventLoopTest, ACallbackMayOwnItsDescriptorWhenItIsRemoved) {
  auto connection = std::shared_ptr<Connection>(new Connection{*loop_, std::move(pair_.here)});
  const std::weak_ptr<Connection> watch = connection;
  const int fd = connection->socket.get();
  loop_->add_reader(fd, [connection] {});
  loop_->add_writer(fd, [] {});
  connection.reset();
  EXPECT_TRUE(loop_->remove_reader(fd));
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(selector_->get_map().contains(fd));
}

TEST_P(SelectorEventLoopTest, ACallbackMayOwnItsDescriptorWhenItIsReplaced) {
  auto connection = std::shared_ptr<Connection>(new Connection{*loop_, std::move(pair_.here)});
  const std::weak_ptr<Connection> watch = connection;
  const int fd = connection->socket.get();
  loop_->add_reader(fd, [connection] {});
  connection.reset();
  loop_->add_reader(fd, [] {});
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(selector_->get_map().contains(fd));
  EXPECT_FALSE(loop_->remove_reader(fd));
}

TEST_P(SelectorEventLoopTest, ACallbackMayOwnItsDescriptorWhenTheLoopCloses) {
  auto connection = std::shared_ptr<Connection>(new Connection{*loop_, std::move(pair_.here)});
  const std::weak_ptr<Connection> watch = connection;
  const int fd = connection->socket.get();
  loop_->add_reader(fd, [connection] {});
  loop_->add_writer(fd, [connection] {});
  connection.reset();
  loop_->close();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(is_open(fd));
}

TEST_P(SelectorEventLoopTest, APostWakesASleepingLoop) {
  std::atomic<pid_t> loop_thread{0};
  std::thread other([&] {
    while (loop_thread == 0 || !is_asleep(loop_thread)) std::this_thread::yield();
    loop_->call_soon_threadsafe([&] { loop_->stop(); });
  });
  loop_->call_soon([&] { loop_thread = this_thread_number(); });
  loop_->run_forever();
  other.join();
  turn();
  EXPECT_TRUE(selector_->select(0s).empty());  // the wake-up has been answered
}

TEST_P(SelectorEventLoopTest, APostWakesALoopThatSleepsUntilADistantTimer) {
  std::atomic<pid_t> loop_thread{0};
  loop_->call_later(10h, [] { FAIL(); });
  std::thread other([&] {
    while (loop_thread == 0 || !is_asleep(loop_thread)) std::this_thread::yield();
    loop_->call_soon_threadsafe([&] { loop_->stop(); });
  });
  loop_->call_soon([&] { loop_thread = this_thread_number(); });
  loop_->run_forever();
  other.join();
}

TEST_P(SelectorEventLoopTest, ATimerIsNeverEarlyByTheRealClock) {
  std::vector<bool> early;
  for (const Duration delay : {Duration(1us), Duration(300us), Duration(2ms), Duration(2500us)}) {
    const TimePoint when = loop_->deadline(delay);
    loop_->call_at(when, [&, when] { early.push_back(loop_->time() < when); });
  }
  loop_->call_later(3ms, [&] { loop_->stop(); });
  loop_->run_forever();
  EXPECT_THAT(early, ElementsAre(false, false, false, false));
}

// The system's refusals.

class RefusalTest : public ::testing::Test {
 protected:
  RefusalTest() {
    auto selector = std::make_unique<EpollSelector>();
    selector_ = selector.get();
    loop_.emplace(std::move(selector));
  }

  Selector* selector_ = nullptr;
  std::optional<SelectorEventLoop> loop_;
};

TEST_F(RefusalTest, AFileThatEpollCannotWatchIsRefusedAndForgotten) {
  const FileDescriptor file(check(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  auto object = std::make_shared<int>(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(loop_->add_reader(file.get(), [object] {}), PermissionError);
    EXPECT_THROW(loop_->add_writer(file.get(), [object] {}), PermissionError);
  }
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_FALSE(loop_->remove_reader(file.get()));
  EXPECT_FALSE(loop_->remove_writer(file.get()));
  EXPECT_FALSE(selector_->get_map().contains(file.get()));
}

TEST_F(RefusalTest, ADescriptorThatIsNotOpenIsRefusedWhateverItsNumber) {
  for (const int fd : {1000, 1'000'000'000, std::numeric_limits<int>::max()}) {
    ASSERT_FALSE(is_open(fd));
    try {
      loop_->add_reader(fd, [] {});
      ADD_FAILURE() << fd;
    } catch (const OsError& error) {
      EXPECT_EQ(error.error_number(), EBADF);
    }
    EXPECT_FALSE(loop_->remove_reader(fd));
  }
}

// The reader is registered, its descriptor closed, and then the writer refused: both are gone.
TEST_F(RefusalTest, WhenTheSystemRefusesAChangeNeitherCallbackOfTheDescriptorIsLeft) {
  Ends pair = socket_pair();
  const int fd = pair.here.get();
  auto object = std::make_shared<int>(1);
  bool refused = false;
  loop_->call_soon([&] { send_byte(pair.there); });
  loop_->add_reader(fd, [&] {
    pair.here.close();
    try {
      loop_->remove_reader(fd);
    } catch (const OsError& error) {
      refused = error.error_number() == EBADF;
    }
    loop_->stop();
  });
  loop_->add_writer(fd, [object] {});
  send_byte(pair.there);
  loop_->run_forever();
  EXPECT_TRUE(refused);
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_FALSE(loop_->remove_writer(fd));
}

// How long it waits, on a clock and a selector of the test's own.

// Nothing is ever ready; a wait takes exactly as long as it may.
class RecordingSelector : public Selector {
 public:
  RecordingSelector(TimePoint& clock, std::vector<Duration>& waits)
      : clock_(clock), waits_(waits) {}

  std::string_view name() const noexcept override { return "RecordingSelector"; }
  std::function<void()> on_wait;

 protected:
  void os_add(Registration, EventMask) override {}
  void os_modify(Registration, EventMask) override {}
  void os_remove(int) noexcept override {}
  int os_wait(Duration timeout) override {
    waits_.push_back(timeout);
    if (!timeout.is_infinite()) clock_ += timeout.nanoseconds();
    if (on_wait) on_wait();
    return 0;
  }
  void os_collect(int) override {}
  void os_close() noexcept override {}

 private:
  TimePoint& clock_;
  std::vector<Duration>& waits_;
};

class WaitTest : public ::testing::Test {
 protected:
  class Loop : public SelectorEventLoop {
   public:
    Loop(TimePoint& clock, std::unique_ptr<Selector> selector)
        : SelectorEventLoop(std::move(selector)), clock_(clock) {}
    TimePoint time() const override { return clock_; }

   private:
    TimePoint& clock_;
  };

  WaitTest() {
    auto selector = std::make_unique<RecordingSelector>(clock_, waits_);
    selector_ = selector.get();
    loop_.emplace(clock_, std::move(selector));
  }

  TimePoint clock_ = TimePoint() + 1000h;
  std::vector<Duration> waits_;
  RecordingSelector* selector_ = nullptr;
  std::optional<Loop> loop_;
};

TEST_F(WaitTest, ATurnDoesNotWaitWhileAnythingIsDue) {
  loop_->add_reader(STDIN_FILENO, [] { FAIL(); });
  loop_->call_soon([&] { loop_->call_soon([&] { loop_->stop(); }); });
  loop_->call_later(1h, [] { FAIL(); });
  loop_->run_forever();
  EXPECT_EQ(waits_, std::vector<Duration>(2));
}

TEST_F(WaitTest, ATurnThatHasWorkAndNobodysDescriptorDoesNotAskTheSystem) {
  loop_->add_reader(STDIN_FILENO, [] { FAIL(); });
  loop_->remove_reader(STDIN_FILENO);
  loop_->call_soon([&] { loop_->call_soon([&] { loop_->stop(); }); });
  loop_->run_forever();
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(WaitTest, ATurnDoesNotWaitOnceStopIsAskedFor) {
  loop_->call_later(1h, [] { FAIL(); });
  loop_->stop();
  loop_->run_forever();
  EXPECT_EQ(waits_, std::vector<Duration>(1));
}

TEST_F(WaitTest, WithoutTimersATurnWaitsForEver) {
  selector_->on_wait = [&] { loop_->stop(); };
  loop_->run_forever();
  EXPECT_THAT(waits_, ElementsAre(Duration::infinite()));
}

TEST_F(WaitTest, ATurnWaitsUntilTheNextDeadline) {
  loop_->call_later(5s, [&] { loop_->stop(); });
  loop_->call_later(2s, [] {});
  loop_->run_forever();
  EXPECT_THAT(waits_, ElementsAre(Duration(2s), Duration(3s)));
}

TEST_F(WaitTest, ACancelledTimerIsNotWaitedFor) {
  TimerHandle first = loop_->call_later(1s, [] { FAIL(); });
  loop_->call_later(2s, [&] { loop_->stop(); });
  first.cancel();
  loop_->run_forever();
  EXPECT_THAT(waits_, ElementsAre(Duration(2s)));
}

TEST_F(WaitTest, AnOverdueTimerIsNotWaitedFor) {
  loop_->call_at(clock_ - 5s, [&] { loop_->stop(); });
  loop_->run_forever();
  EXPECT_THAT(waits_, ElementsAre(Duration::zero()));
}

TEST_F(WaitTest, ATimerOverdueSinceTheBeginningOfTimeIsNotWaitedFor) {
  loop_->call_at(TimePoint::min(),
                 [&] { loop_->call_later(Duration::lowest(), [&] { loop_->stop(); }); });
  clock_ += 1h;
  loop_->run_forever();
  EXPECT_EQ(waits_, std::vector<Duration>(2));
}

TEST_F(WaitTest, ALongWaitIsCutIntoDays) {
  loop_->call_later(60h, [&] { loop_->stop(); });
  loop_->run_forever();
  EXPECT_THAT(waits_, ElementsAre(Duration(24h), Duration(24h), Duration(12h)));
}

TEST_F(WaitTest, ATimerThatNeverFiresIsWaitedForInDaysToo) {
  loop_->call_later(Duration::infinite(), [] { FAIL(); });
  selector_->on_wait = [&] {
    if (waits_.size() == 3) loop_->stop();
  };
  loop_->run_forever();
  EXPECT_EQ(waits_, std::vector<Duration>(3, 24h));
}

TEST_F(WaitTest, AFailedWaitLeavesRunForeverAndTheLoopCanBeRunAgain) {
  bool ran = false;
  loop_->add_reader(STDIN_FILENO, [] { FAIL(); });
  loop_->call_soon([&] { ran = true; });
  selector_->on_wait = [] { throw_os_error(ENOMEM, "wait"); };
  EXPECT_THROW(loop_->run_forever(), OsError);
  EXPECT_FALSE(ran);
  EXPECT_FALSE(loop_->is_running());
  selector_->on_wait = nullptr;
  loop_->stop();
  loop_->run_forever();
  EXPECT_TRUE(ran);
}

// Turns by the real clock.

class TurnCounter : public SelectorEventLoop {
 public:
  using SelectorEventLoop::SelectorEventLoop;
  int turns = 0;

 protected:
  void run_once(std::optional<Duration> limit) override {
    ++turns;
    SelectorEventLoop::run_once(limit);
  }
};

class TinySleepTest : public ::testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(BackEnds, TinySleepTest,
                         ::testing::Values(Kind{"Epoll", open<EpollSelector>},
                                           Kind{"Poll", open<PollSelector>},
                                           Kind{"Select", open<SelectSelector>}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(TinySleepTest, DoesNotMakeTheLoopSpin) {
  TurnCounter loop(GetParam().open());
  const std::vector<Duration> delays = {10ms, 100us, 1us, 100ns, 1ns};
  std::size_t next = 0;
  std::function<void()> sleep = [&] {
    if (next == delays.size()) return loop.stop();
    loop.call_later(delays[next++], [&] { sleep(); });
  };
  sleep();
  loop.run_forever();
  EXPECT_LE(loop.turns, 20);
}

TEST(BusyLoopTest, HearsOfPostsAndSignalsWithoutWaiting) {
  SelectorEventLoop loop;
  bool posted = false;
  bool signalled = false;
  std::function<void()> again = [&] {
    if (posted && signalled) return loop.stop();
    loop.call_soon(again);
  };
  loop.add_signal_handler(SIGUSR1, [&] { signalled = true; });
  loop.call_soon(again);
  loop.call_soon([&] { ::raise(SIGUSR1); });
  std::thread poster([&] { loop.call_soon_threadsafe([&] { posted = true; }); });
  loop.run_forever();
  poster.join();
}

TEST(DefaultLoopTest, ALoopUsesTheBestSelectorUnlessGivenOne) {
  SelectorEventLoop loop;
  Ends pair = socket_pair();
  bool ran = false;
  loop.add_reader(pair.here.get(), [&] {
    ran = true;
    loop.stop();
  });
  send_byte(pair.there);
  loop.run_forever();
  EXPECT_TRUE(ran);
}

TEST(DefaultLoopTest, ALoopThatRanLeavesNoDescriptorOpen) {
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 1024; ++fd) open += is_open(fd);
    return open;
  };
  const int before = count();
  {
    SelectorEventLoop loop;
    EXPECT_GT(count(), before);
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
  }
  EXPECT_EQ(count(), before);
}

TEST(DefaultLoopTest, ADescriptorOrASignalIsInputThatItAwaits) {
  SelectorEventLoop loop;
  Ends pair = socket_pair();
  EXPECT_FALSE(loop.awaits_input());
  loop.add_reader(pair.here.get(), [] {});
  EXPECT_TRUE(loop.awaits_input());
  loop.remove_reader(pair.here.get());
  EXPECT_FALSE(loop.awaits_input());
  loop.add_signal_handler(SIGINT, [] {});
  EXPECT_FALSE(loop.awaits_input());
  loop.add_signal_handler(SIGTERM, [] {});
  EXPECT_TRUE(loop.awaits_input());
}

}  // namespace
}  // namespace asyncio
