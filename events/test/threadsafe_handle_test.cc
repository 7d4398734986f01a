#include "asyncio/events/threadsafe_handle.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/virtual_time_loop.h"
#include "events/test/thread_state.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class ThreadsafeHandleTest : public ::testing::Test {
 protected:
  void turn() {
    loop_->stop();
    loop_->run_forever();
  }

  std::unique_ptr<VirtualTimeLoop> loop_ = std::make_unique<VirtualTimeLoop>();
};

// Another thread that asks something of a handle whose callback is running.
class Asker {
 public:
  // Makes the thread ask, and returns once it either has the answer or sleeps waiting for it.
  void ask(auto question) {
    thread_ = std::thread([this, question]() mutable {
      number_ = this_thread_number();
      question();
      answered_ = true;
    });
    while (!answered_ && (number_ == 0 || !is_asleep(number_))) std::this_thread::yield();
  }

  bool answered() const { return answered_; }
  void join() { thread_.join(); }

 private:
  std::atomic<pid_t> number_{0};
  std::atomic<bool> answered_{false};
  std::thread thread_;
};

TEST_F(ThreadsafeHandleTest, ADefaultHandleRefersToNothing) {
  ThreadsafeHandle handle;
  EXPECT_TRUE(handle.cancelled());
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
}

TEST_F(ThreadsafeHandleTest, ACancelledCallbackNeverRunsAndIsDestroyedAtOnce) {
  auto object = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = object;
  ThreadsafeHandle handle = loop_->call_soon_threadsafe([object = std::move(object)] { FAIL(); });
  EXPECT_FALSE(handle.cancelled());
  handle.cancel();
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(watch.expired());
  turn();
}

TEST_F(ThreadsafeHandleTest, AHandleIsNotCancelledByRunning) {
  int runs = 0;
  ThreadsafeHandle handle = loop_->call_soon_threadsafe([&] { ++runs; });
  turn();
  EXPECT_FALSE(handle.cancelled());
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
  turn();
  EXPECT_EQ(runs, 1);
}

TEST_F(ThreadsafeHandleTest, CopiesMeanTheSameCallback) {
  ThreadsafeHandle handle = loop_->call_soon_threadsafe([] { FAIL(); });
  ThreadsafeHandle copy = handle;
  ThreadsafeHandle assigned;
  assigned = copy;
  ThreadsafeHandle moved = std::move(copy);
  moved.cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_TRUE(assigned.cancelled());
  turn();
}

TEST_F(ThreadsafeHandleTest, CancellingFromAnotherThreadBeforeItRunsPreventsIt) {
  ThreadsafeHandle handle;
  loop_->call_soon([&] { std::thread([&] { handle.cancel(); }).join(); });
  handle = loop_->call_soon_threadsafe([] { FAIL(); });
  turn();
  EXPECT_TRUE(handle.cancelled());
}

TEST_F(ThreadsafeHandleTest, CancellingFromAnotherThreadWaitsForARunningCallback) {
  Asker asker;
  ThreadsafeHandle handle;
  std::optional<bool> answered_meanwhile;
  handle = loop_->call_soon_threadsafe([&] {
    asker.ask([copy = handle]() mutable { copy.cancel(); });
    answered_meanwhile = asker.answered();
  });
  turn();
  asker.join();
  EXPECT_EQ(answered_meanwhile, false);
  EXPECT_TRUE(handle.cancelled());
}

TEST_F(ThreadsafeHandleTest, AskingFromAnotherThreadWaitsForARunningCallback) {
  Asker asker;
  ThreadsafeHandle handle;
  std::optional<bool> answered_meanwhile, answer;
  handle = loop_->call_soon_threadsafe([&] {
    asker.ask([&] { answer = handle.cancelled(); });
    answered_meanwhile = asker.answered();
    handle.cancel();
  });
  turn();
  asker.join();
  EXPECT_EQ(answered_meanwhile, false);
  EXPECT_EQ(answer, true);
}

TEST_F(ThreadsafeHandleTest, ACallbackThatCancelsItsOwnHandleIsDestroyedOnlyAfterwards) {
  auto object = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = object;
  ThreadsafeHandle handle;
  std::optional<bool> gone_inside, cancelled_inside;
  handle = loop_->call_soon_threadsafe([&, object = std::move(object)] {
    handle.cancel();
    cancelled_inside = handle.cancelled();
    gone_inside = watch.expired();
  });
  turn();
  EXPECT_EQ(cancelled_inside, true);
  EXPECT_EQ(gone_inside, false);
  EXPECT_TRUE(watch.expired());
}

// Whatever the interleaving: either the callback had ended when cancel() returned, or it never
// runs.
TEST_F(ThreadsafeHandleTest, OnceCancelReturnsTheCallbackNeitherRunsNorStarts) {
  constexpr std::size_t kPosts = 2000;
  std::vector<int> started(kPosts), ended(kPosts);  // guarded by the handles
  std::vector<std::pair<int, int>> seen(kPosts);
  std::thread other([&] {
    for (std::size_t i = 0; i < kPosts; ++i) {
      ThreadsafeHandle handle = loop_->call_soon_threadsafe([&, i] {
        ++started[i];
        ++ended[i];
      });
      if (i % 3 == 0) std::this_thread::yield();
      handle.cancel();
      seen[i] = {started[i], ended[i]};
    }
    loop_->call_soon_threadsafe([&] { loop_->stop(); });
  });
  loop_->run_forever();
  other.join();
  for (std::size_t i = 0; i < kPosts; ++i) {
    EXPECT_EQ(seen[i], std::pair(started[i], ended[i])) << i;
    EXPECT_EQ(started[i], ended[i]) << i;
  }
}

TEST_F(ThreadsafeHandleTest, ACallbackIsDestroyedOnTheLoopsThreadAlthoughItsHandleIsKept) {
  std::thread::id destroyed_on;
  struct Probe {
    explicit Probe(std::thread::id& where) : where(where) {}
    ~Probe() { where = std::this_thread::get_id(); }
    std::thread::id& where;
  };
  ThreadsafeHandle handle;
  std::thread([&] {
    handle = loop_->call_soon_threadsafe([probe = std::make_unique<Probe>(destroyed_on)] {});
  }).join();
  turn();
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
}

TEST_F(ThreadsafeHandleTest, ClosingTheLoopDestroysTheCallbackAlthoughItsHandleIsKept) {
  auto object = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = object;
  ThreadsafeHandle handle = loop_->call_soon_threadsafe([object = std::move(object)] {});
  loop_->close();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(handle.cancelled());
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
}

struct RemoteSession {
  ~RemoteSession() { message.cancel(); }
  ThreadsafeHandle message;
};

TEST_F(ThreadsafeHandleTest, AnObjectHeldByItsOwnCallbackGoesWhenItIsCancelled) {
  auto session = std::make_shared<RemoteSession>();
  const std::weak_ptr<RemoteSession> watch = session;
  RemoteSession& reference = *session;
  session->message = loop_->call_soon_threadsafe([session] {});
  session.reset();
  reference.message.cancel();  // destroys the session, which cancels once more
  EXPECT_TRUE(watch.expired());
  turn();
}

TEST_F(ThreadsafeHandleTest, AnObjectHeldByItsOwnCallbackGoesWhenThatHasRun) {
  auto session = std::make_shared<RemoteSession>();
  const std::weak_ptr<RemoteSession> watch = session;
  session->message = loop_->call_soon_threadsafe([session] {});
  session.reset();
  turn();
  EXPECT_TRUE(watch.expired());
}

TEST_F(ThreadsafeHandleTest, AnObjectHeldByItsOwnCallbackGoesWhenTheLoopCloses) {
  auto session = std::make_shared<RemoteSession>();
  const std::weak_ptr<RemoteSession> watch = session;
  session->message = loop_->call_soon_threadsafe([session] {});
  session.reset();
  loop_->close();
  EXPECT_TRUE(watch.expired());
}

TEST_F(ThreadsafeHandleTest, AHandleMayOutliveItsLoop) {
  ThreadsafeHandle ran = loop_->call_soon_threadsafe([] {});
  turn();
  ThreadsafeHandle queued = loop_->call_soon_threadsafe([] {});
  loop_.reset();
  std::thread([ran, queued]() mutable {
    ran.cancel();
    queued.cancel();
    EXPECT_TRUE(ran.cancelled());
    EXPECT_TRUE(queued.cancelled());
  }).join();
}

TEST_F(ThreadsafeHandleTest, AnExceptionIsReportedOnTheLoopsThread) {
  std::vector<ExceptionContext> reports;
  loop_->set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { reports.push_back(context); });
  const auto error = std::make_exception_ptr(std::runtime_error("boom"));
  std::thread([&] { loop_->call_soon_threadsafe([&] { std::rethrow_exception(error); }); }).join();
  turn();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].message, "Exception in callback");
  EXPECT_EQ(reports[0].exception, error);
}

TEST_F(ThreadsafeHandleTest, AFatalErrorLeavesTheLoopAndReleasesTheHandle) {
  ThreadsafeHandle handle = loop_->call_soon_threadsafe([] { throw SystemExit(3); });
  EXPECT_THROW(turn(), SystemExit);
  std::thread([&] { handle.cancel(); }).join();  // would hang if the lock were still held
  EXPECT_TRUE(handle.cancelled());
}

}  // namespace
}  // namespace asyncio
