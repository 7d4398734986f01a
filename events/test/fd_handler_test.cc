#include "asyncio/events/fd_handler.h"

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;

// Counts what happens to it.
class Recorder final : public FdHandler {
 public:
  void run() override {
    ++runs;
    if (action != nullptr) action();
  }
  void removed() noexcept override { ++removals; }
  Activity activity() const noexcept override { return {.kind = "Recorder"}; }

  int runs = 0;
  int removals = 0;
  std::function<void()> action;
};

class FdHandlerTest : public ::testing::Test {
 protected:
  FdHandlerTest() {
    int fds[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), "socketpair");
    here_ = FileDescriptor(fds[0]);
    there_ = FileDescriptor(fds[1]);
    loop_.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      reports_.push_back(context.message);
    });
  }
  ~FdHandlerTest() override { loop_.close(); }

  void watch(FdHandler& handler) {
    loop_.watch_reader(here_.get(), handler, std::source_location::current());
  }
  void become_readable() { check(::write(there_.get(), "x", 1), "write"); }

  // One turn that does not wait.
  void turn() {
    loop_.stop();
    loop_.run_forever();
  }

  FileDescriptor here_;
  FileDescriptor there_;
  SelectorEventLoop loop_;
  std::vector<std::string> reports_;
};

TEST_F(FdHandlerTest, RunsOnceATurnForAsLongAsItsDescriptorIsReadable) {
  Recorder handler;
  watch(handler);
  turn();
  EXPECT_EQ(handler.runs, 0);
  become_readable();
  turn();
  turn();
  EXPECT_EQ(handler.runs, 2);
  EXPECT_TRUE(loop_.remove_reader(here_.get()));
  turn();
  EXPECT_EQ(handler.runs, 2);
}

TEST_F(FdHandlerTest, IsWhatRunsByName) {
  Recorder handler;
  std::string name;
  handler.action = [&] { name = to_string(loop_.current_activity().value()); };
  watch(handler);
  become_readable();
  turn();
  EXPECT_EQ(name, to_string(handler.activity()));
  loop_.remove_reader(here_.get());
}

TEST_F(FdHandlerTest, IsToldThatItIsRemovedEvenWhileItRuns) {
  Recorder handler;
  handler.action = [&] {
    loop_.remove_reader(here_.get());
    EXPECT_EQ(handler.removals, 1);
  };
  watch(handler);
  become_readable();
  turn();
  turn();
  EXPECT_EQ(handler.runs, 1);
  EXPECT_EQ(handler.removals, 1);
}

TEST_F(FdHandlerTest, DoesNotRunOnceRemovedEvenIfItWasDue) {
  Recorder handler;
  watch(handler);
  become_readable();
  loop_.call_soon([&] {
    EXPECT_TRUE(handler.linked());
    EXPECT_TRUE(loop_.remove_reader(here_.get()));
    EXPECT_FALSE(handler.linked());
  });
  turn();
  EXPECT_EQ(handler.runs, 0);
  EXPECT_EQ(handler.removals, 1);
}

TEST_F(FdHandlerTest, IsRemovedByWhateverTakesItsPlace) {
  Recorder first;
  Recorder second;
  bool called = false;
  watch(first);
  watch(second);
  EXPECT_EQ(first.removals, 1);
  loop_.add_reader(here_.get(), [&] { called = true; });
  EXPECT_EQ(second.removals, 1);
  become_readable();
  turn();
  EXPECT_TRUE(called);
  EXPECT_EQ(first.runs + second.runs, 0);
}

TEST_F(FdHandlerTest, IsRemovedWhenTheLoopClosesAndWhenTheSystemRefuses) {
  Recorder handler;
  watch(handler);
  loop_.close();
  EXPECT_EQ(handler.removals, 1);
  SelectorEventLoop other;
  there_.close();
  const int closed = here_.get();
  here_.close();
  EXPECT_THROW(other.watch_reader(closed, handler, std::source_location::current()), OsError);
  other.close();
  EXPECT_EQ(handler.runs, 0);
}

TEST_F(FdHandlerTest, ThatEndsTheLoopStaysWatched) {
  Recorder handler;
  handler.action = [&] {
    if (handler.runs == 1) throw SystemExit(3);
  };
  watch(handler);
  become_readable();
  EXPECT_THROW(turn(), SystemExit);
  turn();
  EXPECT_EQ(handler.runs, 2);
  loop_.remove_reader(here_.get());
}

// A loop that has been written without knowing of handlers.
class PlainLoop final : public SelectorEventLoop {
 public:
  void watch_reader(int fd, FdHandler& handler, std::source_location where) override {
    EventLoop::watch_reader(fd, handler, where);
  }
};

TEST_F(FdHandlerTest, IsCalledByALoopThatOnlyKnowsCallbacks) {
  PlainLoop loop;
  Recorder handler;
  loop.watch_reader(here_.get(), handler, std::source_location::current());
  become_readable();
  loop.stop();
  loop.run_forever();
  EXPECT_EQ(handler.runs, 1);
  EXPECT_TRUE(loop.remove_reader(here_.get()));
  loop.close();
}

TEST_F(FdHandlerTest, OfACallbackReportsWhatItThrowsAndGoesOn) {
  loop_.add_reader(here_.get(), [] { throw std::runtime_error("boom"); });
  become_readable();
  turn();
  turn();
  EXPECT_THAT(reports_, ElementsAre("Exception in callback", "Exception in callback"));
}

}  // namespace
}  // namespace asyncio
