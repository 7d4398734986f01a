// The trampoline, and how chains of frames are destroyed. Their depth is tested in deep_chain_test.

#include "asyncio/tasks/promise_base.h"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "tasks/test/counted.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using internal::Trampoline;

using Log = std::vector<std::string>;

// Notes its end.
class Note {
 public:
  Note(Log& log, std::string text) : log_(log), text_(std::move(text)) {}
  ~Note() { log_.push_back(text_); }
  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;

 private:
  Log& log_;
  std::string text_;
};

Coro<int> sum_up_to(int n) {
  if (n == 0) co_return 0;
  co_return n + co_await sum_up_to(n - 1);
}

// Coroutines driven by hand, in the place of some task.
class TrampolineTest : public ::testing::Test {
 protected:
  TrampolineTest() : task_(create_task(loop_, sum_up_to(0))) {}
  ~TrampolineTest() override { loop_.settle(); }

  ObservedLoop loop_;
  Task<int> task_;
};

TEST_F(TrampolineTest, RunsAChainToTheEndOfItsRoot) {
  Coro<int> coro = sum_up_to(10);
  auto& root = coro.release();
  Trampoline trampoline(root);
  root.adopt(AnyTask(task_).core(), trampoline);
  EXPECT_FALSE(trampoline.started());
  EXPECT_FALSE(trampoline.ended());
  trampoline.run_frames();
  EXPECT_TRUE(trampoline.started());
  EXPECT_TRUE(trampoline.ended());
  EXPECT_EQ(trampoline.root(), &root);
  EXPECT_EQ(root.take_error(), nullptr);
  EXPECT_EQ(root.take_value(), 55);
  trampoline.destroy_frames();
  EXPECT_EQ(trampoline.root(), nullptr);
  trampoline.destroy_frames();
}

TEST_F(TrampolineTest, OwnsAChainThatNeverStarts) {
  Counts counts;
  auto body = [](Counted) -> Coro<> { co_return; };
  {
    Coro<> coro = body(Counted(counts));
    const Trampoline trampoline(coro.release());
    EXPECT_EQ(counts.alive, 1);
  }
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TrampolineTest, KeepsTheErrorOfTheRoot) {
  auto body = []() -> Coro<> {
    throw std::runtime_error("root");
    co_return;
  };
  Coro<> coro = body();
  auto& root = coro.release();
  Trampoline trampoline(root);
  root.adopt(AnyTask(task_).core(), trampoline);
  trampoline.run_frames();
  EXPECT_TRUE(trampoline.ended());
  EXPECT_NE(root.take_error(), nullptr);
  EXPECT_EQ(root.take_error(), nullptr);
}

// Where the stack ends now.
[[gnu::noinline]] const void* stack_position() { return __builtin_frame_address(0); }

TEST_F(TrampolineTest, NoFrameRunsOnTopOfAnother) {
  std::vector<const void*> positions;
  auto deeper = [&](auto& self, int n) -> Coro<> {
    positions.push_back(stack_position());
    if (n > 0) co_await self(self, n - 1);
    positions.push_back(stack_position());
  };
  loop_.run([&]() -> Coro<> { co_await deeper(deeper, 20); });
  ASSERT_EQ(positions.size(), 42U);
  for (const void* position : positions) EXPECT_EQ(position, positions.front());
}

class TeardownTest : public ::testing::Test {
 protected:
  // Lets the loop die while tasks are pending.
  void close() {
    loop_->settle();
    loop_->close();
  }

  std::optional<ObservedLoop> loop_{std::in_place};
  Log log_;
};

TEST_F(TeardownTest, DestroysASuspendedChainLeafFirst) {
  auto leaf = [&]() -> Coro<> {
    const Note note(log_, "leaf");
    co_await sleep(1h);
  };
  auto middle = [&]() -> Coro<> {
    const Note first(log_, "middle, first");
    const Note second(log_, "middle, second");
    co_await leaf();
  };
  auto root = [&]() -> Coro<> {
    const Note note(log_, "root");
    co_await middle();
  };
  create_task(*loop_, root);
  close();
  EXPECT_EQ(log_, (Log{"leaf", "middle, second", "middle, first", "root"}));
}

TEST_F(TeardownTest, DestroysACoroutineThatEndedInTheExpressionThatIsSuspended) {
  Counts counts;
  auto quick = [&](Counted) -> Coro<int> { co_return 1; };
  auto slow = [&](Counted) -> Coro<int> {
    co_await sleep(1h);
    co_return 2;
  };
  auto root = [&](Counted) -> Coro<int> {
    co_return co_await quick(Counted(counts)) + co_await slow(Counted(counts));
  };
  create_task(*loop_, root, Counted(counts));
  loop_->settle();
  EXPECT_GT(counts.alive, 0);
  close();
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TeardownTest, DestroysTemporariesOfTheExpressionThatIsSuspended) {
  Counts counts;
  auto wait = [](const Counted&, Counted) -> Coro<> { co_await sleep(1h); };
  auto root = [&]() -> Coro<> { co_await wait(Counted(counts), Counted(counts)); };
  create_task(*loop_, root);
  loop_->settle();
  EXPECT_GT(counts.alive, 0);
  close();
  EXPECT_EQ(counts.alive, 0);
}

TEST_F(TeardownTest, FramesMayBeSuspendedAgainInOtherDepths) {
  Counts counts;
  auto waits = [&](Counted) -> Coro<> { co_await sleep(1s); };
  auto root = [&]() -> Coro<> {
    co_await waits(Counted(counts));
    co_await [&]() -> Coro<> { co_await waits(Counted(counts)); }();
    co_await sleep(1h);
  };
  create_task(*loop_, root);
  loop_->call_later(10s, [&] { loop_->stop(); });
  loop_->run_forever();
  EXPECT_EQ(counts.alive, 0);
  EXPECT_GE(counts.made, 2);
  close();
}

TEST_F(TeardownTest, OfACancelledTaskUnwindsInsteadOfDestroying) {
  auto leaf = [&]() -> Coro<> {
    const Note note(log_, "leaf");
    co_await sleep(1h);
  };
  auto root = [&]() -> Coro<> {
    const Note note(log_, "root");
    try {
      co_await leaf();
    } catch (const CancelledError&) {
      log_.push_back("handler");
      throw;
    }
  };
  const Task<> task = create_task(*loop_, root);
  loop_->settle();
  task.cancel();
  loop_->settle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(log_, (Log{"leaf", "handler", "root"}));
  close();
  EXPECT_TRUE(loop_->reports().empty());
}

TEST_F(TeardownTest, HandlersThatWaitAreNotEnteredAgain) {
  auto root = [&]() -> Coro<> {
    try {
      const Note note(log_, "inside try");
      co_await sleep(1h);
      log_.push_back("never");
    } catch (...) {
      log_.push_back("never");
    }
  };
  create_task(*loop_, root);
  close();
  EXPECT_EQ(log_, (Log{"inside try"}));
}

}  // namespace
}  // namespace asyncio
