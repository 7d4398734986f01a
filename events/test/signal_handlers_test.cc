#include "asyncio/events/signal_handlers.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/selectors/os_error.h"
#include "events/test/captured_log.h"
#include "events/test/child_process.h"
#include "events/test/thread_state.h"
#include "events/test/thrown_words.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct sigaction action_of(int signal) {
  struct sigaction action{};
  check(::sigaction(signal, nullptr, &action), "sigaction");
  return action;
}

bool has_default_action(int signal) { return action_of(signal).sa_handler == SIG_DFL; }

class SignalHandlersTest : public ::testing::Test {
 protected:
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  Callback mark(std::string text) {
    return [this, text = std::move(text)] { log_.push_back(text); };
  }

  std::vector<std::string> log_;
  SelectorEventLoop loop_;
};

TEST_F(SignalHandlersTest, ASignalRunsItsCallbackOnTheLoop) {
  bool on_the_loop = false;
  loop_.add_signal_handler(SIGUSR1, [&] {
    on_the_loop = running_loop_or_null() == &loop_;
    loop_.call_soon(mark("scheduled by the handler"));
    loop_.stop();
  });
  check(::kill(::getpid(), SIGUSR1), "kill");
  loop_.run_forever();
  turn();
  EXPECT_TRUE(on_the_loop);
  EXPECT_THAT(log_, ElementsAre("scheduled by the handler"));
}

TEST_F(SignalHandlersTest, NothingRunsInsideTheSystemsHandler) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  ::raise(SIGUSR1);
  EXPECT_THAT(log_, IsEmpty());
  turn();
  EXPECT_THAT(log_, ElementsAre("handled"));
}

TEST_F(SignalHandlersTest, ASignalThatArrivesTwiceIsHandledTwice) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("handled", "handled"));
  turn();
  EXPECT_EQ(log_.size(), 2U);
}

TEST_F(SignalHandlersTest, ASignalDuringATurnIsHandledInTheNextOne) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  loop_.call_soon([] { ::raise(SIGUSR1); });
  loop_.call_soon(mark("same turn"));
  turn();
  EXPECT_THAT(log_, ElementsAre("same turn"));
  turn();
  EXPECT_THAT(log_, ElementsAre("same turn", "handled"));
}

TEST_F(SignalHandlersTest, EachSignalHasItsOwnCallback) {
  loop_.add_signal_handler(SIGUSR1, mark("one"));
  loop_.add_signal_handler(SIGUSR2, mark("two"));
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, UnorderedElementsAre("one", "two"));
}

TEST_F(SignalHandlersTest, ASecondAddReplacesTheCallback) {
  auto object = std::make_shared<int>(1);
  loop_.add_signal_handler(SIGUSR1, [object] { FAIL(); });
  loop_.add_signal_handler(SIGUSR1, mark("second"));
  EXPECT_EQ(object.use_count(), 1);
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("second"));
}

TEST_F(SignalHandlersTest, AHandlerMayReplaceOrRemoveItself) {
  loop_.add_signal_handler(SIGUSR1,
                           [&, words = std::string("a text too long to be stored inside")] {
                             loop_.add_signal_handler(SIGUSR1, [&] {
                               log_.push_back("second");
                               loop_.remove_signal_handler(SIGUSR1);
                             });
                             log_.push_back(words);
                           });
  ::raise(SIGUSR1);
  turn();
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("a text too long to be stored inside", "second"));
  EXPECT_TRUE(has_default_action(SIGUSR1));
}

TEST_F(SignalHandlersTest, SystemCallsAreRestarted) {
  loop_.add_signal_handler(SIGUSR1, [] {});
  EXPECT_TRUE(action_of(SIGUSR1).sa_flags & SA_RESTART);
}

TEST_F(SignalHandlersTest, TheSystemsHandlerKeepsTheLastError) {
  loop_.add_signal_handler(SIGUSR1, [] {});
  errno = ENOENT;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(SignalHandlersTest, RemovingRestoresTheDefaultAction) {
  EXPECT_TRUE(has_default_action(SIGUSR1));
  loop_.add_signal_handler(SIGUSR1, [] { FAIL(); });
  EXPECT_FALSE(has_default_action(SIGUSR1));
  EXPECT_TRUE(loop_.remove_signal_handler(SIGUSR1));
  EXPECT_TRUE(has_default_action(SIGUSR1));
  EXPECT_FALSE(loop_.remove_signal_handler(SIGUSR1));
}

TEST_F(SignalHandlersTest, RemovingTheHandlerOfSigintRestoresTheDefaultActionToo) {
  EXPECT_EQ(exit_code_of([] {
              SelectorEventLoop loop;
              loop.add_signal_handler(SIGINT, [] {});
              loop.remove_signal_handler(SIGINT);
              return ::raise(SIGINT);
            }),
            1000 + SIGINT);
}

TEST_F(SignalHandlersTest, RemovingWhatIsNotHandledChangesNothing) {
  EXPECT_FALSE(loop_.remove_signal_handler(SIGKILL));
  EXPECT_FALSE(loop_.remove_signal_handler(SIGUSR1));
  SelectorEventLoop other;
  other.add_signal_handler(SIGUSR1, [] {});
  EXPECT_FALSE(loop_.remove_signal_handler(SIGUSR1));
  EXPECT_FALSE(has_default_action(SIGUSR1));
}

TEST_F(SignalHandlersTest, AHandlerAddedAfterASignalWasDroppedDoesNotSeeIt) {
  loop_.add_signal_handler(SIGUSR1, [] { FAIL(); });
  ::raise(SIGUSR1);
  loop_.remove_signal_handler(SIGUSR1);
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  turn();
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(SignalHandlersTest, WhatIsNoSignalIsRefused) {
  for (const int number : {0, -1, 65, 1000}) {
    const std::string expected = "invalid signal number " + std::to_string(number);
    EXPECT_EQ(thrown_words<std::invalid_argument>([&] { loop_.add_signal_handler(number, [] {}); }),
              expected);
    EXPECT_EQ(thrown_words<std::invalid_argument>([&] { loop_.remove_signal_handler(number); }),
              expected);
  }
}

TEST_F(SignalHandlersTest, ASignalThatCannotBeCaughtIsRefusedWithoutATrace) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.add_signal_handler(signal, [] {}); }),
              "sig " + std::to_string(signal) + " cannot be caught");
    EXPECT_FALSE(loop_.remove_signal_handler(signal));
    SelectorEventLoop other;
    EXPECT_EQ(thrown_words<std::runtime_error>([&] { other.add_signal_handler(signal, [] {}); }),
              "sig " + std::to_string(signal) + " cannot be caught");
  }
}

// A second loop is refused by the system again, not because the first one has the signal.
TEST_F(SignalHandlersTest, ASignalThatTheSystemRefusesIsAnOsErrorWithoutATrace) {
  EXPECT_EQ(exit_code_of([] {
              SelectorEventLoop one, two;
              refuse_system_call(SYS_rt_sigaction, EPERM);
              for (SelectorEventLoop* loop : {&one, &two}) {
                try {
                  loop->add_signal_handler(SIGUSR1, [] {});
                  return 1;
                } catch (const PermissionError&) {
                }
                if (loop->remove_signal_handler(SIGUSR1)) return 2;
              }
              return 0;
            }),
            0);
}

// The exit code of a child whose system answers the removal of a handler with `error_number`: 0 if
// that throws an `E`, and the loop has no handler afterwards.
template <class E>
int remove_when_refused(unsigned error_number) {
  return exit_code_of([&] {
    SelectorEventLoop loop;
    loop.add_signal_handler(SIGUSR1, [] {});
    refuse_system_call(SYS_rt_sigaction, error_number);
    try {
      loop.remove_signal_handler(SIGUSR1);
      return 1;
    } catch (const E&) {
    }
    return loop.remove_signal_handler(SIGUSR1) ? 2 : 0;
  });
}

TEST_F(SignalHandlersTest, RemovingThrowsWhatTheSystemAnswersAndForgetsTheCallback) {
  EXPECT_EQ(remove_when_refused<PermissionError>(EPERM), 0);
  EXPECT_EQ(remove_when_refused<std::runtime_error>(EINVAL), 0);
}

TEST_F(SignalHandlersTest, TheCallbackRunsInTheContextInWhichItWasAdded) {
  const ContextVar<int> variable("variable", 0);
  std::vector<int> seen;
  copy_context().run([&] {
    variable.set(1);
    loop_.add_signal_handler(SIGUSR1, [&] {
      seen.push_back(variable.get());
      variable.set(2);
    });
    variable.set(3);
  });
  ::raise(SIGUSR1);
  turn();
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(SignalHandlersTest, AHandlerThatTheSystemKeepsWakesNobodyAnyMore) {
  EXPECT_EQ(exit_code_of([] {
              auto loop = std::make_unique<SelectorEventLoop>();
              loop->add_signal_handler(SIGUSR1, [] {});
              refuse_system_call(SYS_rt_sigaction, EPERM);
              EXPECT_THROW(loop->remove_signal_handler(SIGUSR1), PermissionError);
              loop.reset();
              std::array<int, 2> pipe{};  // may get the numbers that the loop's descriptors had
              std::array<int, 2> another_pipe{};
              if (::pipe2(pipe.data(), O_NONBLOCK) != 0) return 1;
              if (::pipe2(another_pipe.data(), O_NONBLOCK) != 0) return 1;
              ::raise(SIGUSR1);
              char byte = 0;
              return ::read(pipe[0], &byte, 1) == -1 && ::read(another_pipe[0], &byte, 1) == -1 ? 0
                                                                                                : 2;
            }),
            0);
}

TEST_F(SignalHandlersTest, ALoopClosesThoughTheSystemRefusesToRestoreAnAction) {
  EXPECT_EQ(exit_code_of([] {
              CapturedLog log;
              SelectorEventLoop loop;
              loop.add_signal_handler(SIGUSR1, [] {});
              refuse_system_call(SYS_rt_sigaction, EPERM);
              loop.close();
              return log.messages.size() == 1 &&
                             log.messages[0].starts_with("a signal's action was not restored: ")
                         ? 0
                         : 1;
            }),
            0);
}

TEST_F(SignalHandlersTest, ASignalThatAnotherLoopHandlesIsRefused) {
  SelectorEventLoop other;
  other.add_signal_handler(SIGUSR1, [] { FAIL(); });
  loop_.add_signal_handler(SIGUSR2, [] {});
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.add_signal_handler(SIGUSR1, [] {}); }),
            "sig " + std::to_string(SIGUSR1) + " is handled by another loop");
  other.remove_signal_handler(SIGUSR1);
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("handled"));
}

TEST_F(SignalHandlersTest, ClosingTheLoopRemovesAllHandlers) {
  auto object = std::make_shared<int>(1);
  loop_.add_signal_handler(SIGUSR1, [object] {});
  loop_.add_signal_handler(SIGUSR2, [object] {});
  loop_.close();
  EXPECT_TRUE(has_default_action(SIGUSR1));
  EXPECT_TRUE(has_default_action(SIGUSR2));
  EXPECT_EQ(object.use_count(), 1);
  EXPECT_FALSE(loop_.remove_signal_handler(SIGUSR1));
  SelectorEventLoop other;
  other.add_signal_handler(SIGUSR1, [] {});
}

TEST_F(SignalHandlersTest, AClosedLoopRefusesHandlersAfterLookingAtTheNumber) {
  loop_.close();
  EXPECT_EQ(thrown_words<std::runtime_error>([&] { loop_.add_signal_handler(SIGUSR1, [] {}); }),
            "Event loop is closed");
  EXPECT_TRUE(has_default_action(SIGUSR1));
  EXPECT_EQ(thrown_words<std::invalid_argument>([&] { loop_.add_signal_handler(0, [] {}); }),
            "invalid signal number 0");
}

// What a handler captures may remove handlers when it goes.
TEST_F(SignalHandlersTest, ACallbackMayOwnItsRegistration) {
  struct Registration {
    ~Registration() {
      loop.remove_signal_handler(SIGUSR1);
      loop.remove_signal_handler(SIGUSR2);
    }
    EventLoop& loop;
  };
  const auto add_both = [&] {
    std::shared_ptr<Registration> owner(new Registration{loop_});
    loop_.add_signal_handler(SIGUSR1, [owner] {});
    loop_.add_signal_handler(SIGUSR2, [] {});
  };
  add_both();
  EXPECT_TRUE(loop_.remove_signal_handler(SIGUSR1));
  EXPECT_TRUE(has_default_action(SIGUSR1));
  EXPECT_TRUE(has_default_action(SIGUSR2));
  add_both();
  loop_.close();
  EXPECT_TRUE(has_default_action(SIGUSR1));
  EXPECT_TRUE(has_default_action(SIGUSR2));
}

TEST_F(SignalHandlersTest, ASignalWakesASleepingLoopAndIsHandledOnce) {
  std::atomic<pid_t> loop_thread{0};
  loop_.add_signal_handler(SIGUSR1, [&] {
    log_.push_back("handled");
    loop_.stop();
  });
  const pthread_t target = ::pthread_self();
  std::thread other([&] {
    while (loop_thread == 0 || !is_asleep(loop_thread)) std::this_thread::yield();
    ::pthread_kill(target, SIGUSR1);
  });
  loop_.call_soon([&] { loop_thread = this_thread_number(); });
  loop_.run_forever();
  other.join();
  turn();
  EXPECT_THAT(log_, ElementsAre("handled"));
}

TEST_F(SignalHandlersTest, ASignalThatInterruptsAnotherThreadIsHandledOnTheLoops) {
  std::thread::id handled_on;
  loop_.add_signal_handler(SIGUSR1, [&] {
    handled_on = std::this_thread::get_id();
    loop_.stop();
  });
  std::atomic<pid_t> loop_thread{0};
  std::thread other([&] {
    while (loop_thread == 0 || !is_asleep(loop_thread)) std::this_thread::yield();
    ::pthread_kill(::pthread_self(), SIGUSR1);
  });
  loop_.call_soon([&] { loop_thread = this_thread_number(); });
  loop_.run_forever();
  other.join();
  EXPECT_EQ(handled_on, std::this_thread::get_id());
}

TEST_F(SignalHandlersTest, ALoopOfAnyThreadMayHandleSignals) {
  std::thread::id handled_on, loop_on;
  std::thread([&] {
    loop_on = std::this_thread::get_id();
    SelectorEventLoop loop;
    loop.add_signal_handler(SIGUSR1, [&] {
      handled_on = std::this_thread::get_id();
      loop.stop();
    });
    loop.call_soon([] { check(::kill(::getpid(), SIGUSR1), "kill"); });
    loop.run_forever();
  }).join();
  EXPECT_EQ(handled_on, loop_on);
}

// Every signal is sent and has been delivered, in whatever thread, before the next one is sent.
TEST_F(SignalHandlersTest, NoSignalOfABusyProcessIsLost) {
  constexpr int kSignals = 2000;
  int handled = 0;
  loop_.add_signal_handler(SIGUSR1, [&] {
    if (++handled == kSignals) loop_.stop();
  });
  std::thread other([] {
    for (int i = 0; i < kSignals; ++i) ::raise(SIGUSR1);
  });
  loop_.run_forever();
  other.join();
  turn();
  EXPECT_EQ(handled, kSignals);
}

TEST_F(SignalHandlersTest, AHandlerThatThrowsIsReported) {
  std::vector<std::string> messages;
  loop_.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { messages.push_back(context.message); });
  loop_.add_signal_handler(SIGUSR1, [] { throw std::runtime_error("boom"); });
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(messages, ElementsAre("Exception in callback"));
}

TEST_F(SignalHandlersTest, AHandlerMayEndTheLoopByAFatalError) {
  loop_.add_signal_handler(SIGINT, [] { throw KeyboardInterrupt(); });
  ::raise(SIGINT);
  EXPECT_THROW(loop_.run_forever(), KeyboardInterrupt);
  EXPECT_TRUE(loop_.remove_signal_handler(SIGINT));
}

TEST_F(SignalHandlersTest, ASignalOfAForkedChildDoesNotReachItsParentsLoop) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  EXPECT_EQ(exit_code_of([] { return ::raise(SIGUSR1); }), 0);
  turn();
  EXPECT_THAT(log_, IsEmpty());
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("handled"));
}

TEST_F(SignalHandlersTest, AForkedChildMayHandleTheSameSignalInALoopOfItsOwn) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  EXPECT_EQ(exit_code_of([] {
              SelectorEventLoop own;
              int handled = 0;
              own.add_signal_handler(SIGUSR1, [&] {
                ++handled;
                own.stop();
              });
              ::raise(SIGUSR1);
              own.run_forever();
              return handled == 1 ? 0 : 1;
            }),
            0);
  turn();
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(SignalHandlersTest, AForkedChildThatClosesItsParentsLoopKeepsItsOwnHandlers) {
  loop_.add_signal_handler(SIGUSR1, mark("handled"));
  EXPECT_EQ(exit_code_of([&] {
              SelectorEventLoop own;
              own.add_signal_handler(SIGUSR1, [&] { own.stop(); });
              loop_.close();
              ::raise(SIGUSR1);  // kills the child if the handler is gone
              own.run_forever();
              return 0;
            }),
            0);
  ::raise(SIGUSR1);
  turn();
  EXPECT_THAT(log_, ElementsAre("handled"));
}

}  // namespace
}  // namespace asyncio
