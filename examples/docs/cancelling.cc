// What to do when a task is cancelled.

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_cancelling {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

std::vector<std::string> log;

Coro<> work() {
  log.emplace_back("work");
  co_await asyncio::sleep(1h);
}

Coro<> undo() {
  co_await asyncio::sleep(1s);
  log.emplace_back("undone");
}

// [await_after]
Coro<> work_and_undo() {
  std::exception_ptr error;
  try {
    co_await work();
  } catch (...) {
    error = std::current_exception();
  }
  co_await undo();
  if (error != nullptr) std::rethrow_exception(error);
}
// [await_after]

// [context]
class Undoing {
 public:
  void enter() { log.emplace_back("enter"); }
  Coro<> exit(std::exception_ptr) { return undo(); }
};

Coro<> work_in_context() {
  co_await asyncio::with(Undoing(), [](Undoing&) { return work(); });
}
// [context]

// [absorb]
// Gives `task` up; whoever cancels us meanwhile is still heard.
Coro<> cancel_and_wait(asyncio::Task<> task) {
  const int requests = asyncio::current_task()->cancelling();
  task.cancel();
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    if (asyncio::current_task()->cancelling() > requests) throw;
  }
}
// [absorb]

template <class Step>
std::vector<std::string> log_of_cancelled(Step step) {
  log.clear();
  asyncio::VirtualTimeLoop loop;
  asyncio::Task<> task = asyncio::create_task(loop, step());
  auto main = [](asyncio::Task<> cancelled) -> Coro<> {
    co_await asyncio::sleep(1s);
    co_await cancel_and_wait(cancelled);
  };
  asyncio::run_until_complete(loop, main(task));
  EXPECT_TRUE(task.cancelled());
  return log;
}

TEST(CancellingTest, AwaitsAfterTheHandler) {
  EXPECT_EQ(log_of_cancelled(work_and_undo), (std::vector<std::string>{"work", "undone"}));
}

TEST(CancellingTest, LeavesTheContext) {
  EXPECT_EQ(log_of_cancelled(work_in_context),
            (std::vector<std::string>{"enter", "work", "undone"}));
}

}  // namespace
}  // namespace docs_cancelling
