// Where a task waits, or failed: get_stack() and print_stack().

#include <chrono>
#include <optional>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tasks/test/observed_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr unsigned kInnerLine = __LINE__ + 1;
Coro<> inner() { co_await sleep(1h); }
constexpr unsigned kMiddleLine = __LINE__ + 1;
Coro<> middle() { co_await inner(); }
constexpr unsigned kOuterLine = __LINE__ + 1;
Coro<> outer() { co_await middle(); }

Coro<> fail_here() {
  throw std::runtime_error("no luck");
  co_return;
}
constexpr unsigned kFailingLine = __LINE__ + 1;
Coro<> failing() { co_await fail_here(); }

std::vector<unsigned> lines_of(const std::vector<std::source_location>& stack) {
  std::vector<unsigned> lines;
  for (const std::source_location& place : stack) lines.push_back(place.line());
  return lines;
}

std::string printed(const AnyTask& task, std::optional<std::size_t> limit = std::nullopt) {
  std::ostringstream text;
  task.print_stack(text, limit);
  return text.str();
}

class TaskStackTest : public ::testing::Test {
 protected:
  ~TaskStackTest() override { loop_.settle(); }

  ObservedLoop loop_;
};

TEST_F(TaskStackTest, HasTheLineOfEveryAwaitTheOutermostFirst) {
  const Task<> task = create_task(loop_, outer());
  loop_.settle();
  EXPECT_THAT(lines_of(task.get_stack()), ElementsAre(kOuterLine, kMiddleLine, kInnerLine));
  EXPECT_THAT(lines_of(AnyTask(task).get_stack()),
              ElementsAre(kOuterLine, kMiddleLine, kInnerLine));
  task.cancel();
}

TEST_F(TaskStackTest, KeepsTheInnermostLinesUnderALimit) {
  const Task<> task = create_task(loop_, outer());
  loop_.settle();
  EXPECT_THAT(lines_of(task.get_stack(2)), ElementsAre(kMiddleLine, kInnerLine));
  EXPECT_THAT(task.get_stack(0), IsEmpty());
  task.cancel();
}

TEST_F(TaskStackTest, OfATaskThatRunsEndsWhereItRuns) {
  std::vector<unsigned> lines;
  loop_.run([&]() -> Coro<> {
    co_await sleep(0s);
    lines = lines_of(current_task()->get_stack());
  });
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(TaskStackTest, OfATaskThatHasNotStartedIsItsCoroutinesOwnLine) {
  const Task<> task = create_task(loop_, outer());
  EXPECT_THAT(lines_of(task.get_stack()), ElementsAre(kOuterLine));
  task.cancel();
}

TEST_F(TaskStackTest, OfATaskThatReturnedOrWasCancelledIsEmpty) {
  const Task<> returned = create_task(loop_, sleep(0s));
  const Task<> cancelled = create_task(loop_, outer());
  cancelled.cancel();
  loop_.settle();
  EXPECT_THAT(returned.get_stack(), IsEmpty());
  EXPECT_THAT(cancelled.get_stack(), IsEmpty());
}

TEST_F(TaskStackTest, OfATaskThatFailedIsTheLineWhereItsFirstCoroutineWas) {
  const Task<> task = create_task(loop_, failing());
  loop_.settle();
  EXPECT_THAT(lines_of(task.get_stack()), ElementsAre(kFailingLine));
  EXPECT_THAT(task.get_stack(0), IsEmpty());
  EXPECT_NE(task.exception(), nullptr);
}

TEST_F(TaskStackTest, IsPrintedUnderTheTaskThatWaits) {
  const Task<> task = create_task(loop_, outer(), {.name = "deep"});
  loop_.settle();
  EXPECT_THAT(printed(task), MatchesRegex("Stack for <Task 'deep' created at .*, suspended at .*> "
                                          "\\(most recent call last\\):\n"
                                          "  [^\n]*task_stack_test.cc:[0-9]*\n"
                                          "  [^\n]*task_stack_test.cc:[0-9]*\n"
                                          "  [^\n]*task_stack_test.cc:[0-9]*\n"));
  task.cancel();
}

TEST_F(TaskStackTest, IsPrintedAsNoneOfATaskThatIsDone) {
  const Task<> task = create_task(loop_, sleep(0s), {.name = "short"});
  loop_.settle();
  EXPECT_THAT(printed(task), MatchesRegex("No stack for <Task 'short' created at .*>\n"));
}

TEST_F(TaskStackTest, IsPrintedWithTheExceptionOfATaskThatFailedWhichStaysUnseen) {
  std::optional<Task<>> task = create_task(loop_, failing(), {.name = "bad"});
  loop_.settle();
  EXPECT_THAT(printed(*task), MatchesRegex("Traceback for <Task 'bad' created at .*> "
                                           "\\(most recent call last\\):\n"
                                           "  [^\n]*task_stack_test.cc:[0-9]*\n"
                                           "std::runtime_error: no luck\n"));
  EXPECT_THAT(printed(*task, 0), MatchesRegex("No stack for <Task 'bad' created at .*>\n"
                                              "std::runtime_error: no luck\n"));
  EXPECT_THAT(loop_.reports(), IsEmpty());
  task.reset();
  EXPECT_EQ(loop_.reports().size(), 1U);
}

}  // namespace
}  // namespace asyncio
