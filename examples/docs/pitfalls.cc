// The code of the page about pitfalls.

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

using asyncio::Coro;
using namespace std::chrono_literals;

namespace docs_pitfalls {
namespace {

std::vector<std::string> seen;  // what the steps have done

// [group]
Coro<> refresh(std::string feed) {
  co_await asyncio::sleep(1ms);
  if (feed.empty()) throw std::runtime_error("no feed");
}

Coro<> refresh_both() {
  co_await asyncio::with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) {
    group.create_task(refresh("news"));
    group.create_task(refresh(""));  // its failure leaves with()
  });
}
// [group]

TEST(PitfallsTest, AGroupThrowsWhatItsTasksThrow) {
  EXPECT_THROW(asyncio::run(refresh_both()), asyncio::ExceptionGroup);
}

Coro<> answer_one() {
  co_await asyncio::sleep(1ms);
  throw std::runtime_error("a bad request");
}

// [log_and_go_on]
Coro<> answer_all() {
  while (true) {
    try {
      co_await answer_one();
    } catch (const std::exception& error) {
      seen.emplace_back(error.what());  // a cancellation passes by
    }
  }
}
// [log_and_go_on]

TEST(PitfallsTest, ACancellationPassesByHandlersOfErrors) {
  seen.clear();
  EXPECT_THROW(asyncio::run(asyncio::wait_for(answer_all(), 20ms)), asyncio::TimeoutError);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0], "a bad request");
}

// Blocks its thread.
std::size_t compress(const std::string& text) {
  std::this_thread::sleep_for(1ms);
  return text.size() / 2;
}

// [to_thread]
Coro<std::size_t> compress_elsewhere(std::string text) {
  co_return co_await asyncio::to_thread(compress, std::move(text));
}
// [to_thread]

TEST(PitfallsTest, ThreadsDoWhatBlocks) {
  EXPECT_EQ(asyncio::run(compress_elsewhere(std::string(10, 'x'))), 5u);
}

Coro<> tell(std::string client) {
  co_await asyncio::sleep(0s);
  seen.push_back(std::move(client));
}

// [snapshot]
Coro<> tell_all(std::vector<std::string>* clients) {
  const std::vector<std::string> now = *clients;  // others may come and go while this waits
  for (const std::string& client : now) co_await tell(client);
}
// [snapshot]

Coro<> tell_while_clients_come() {
  std::vector<std::string> clients{"Ada", "Bob"};
  asyncio::Task<> telling = asyncio::create_task(tell_all(&clients));
  co_await asyncio::sleep(0s);
  for (int i = 0; i < 100; ++i) clients.emplace_back("another one");
  co_await telling;
}

TEST(PitfallsTest, ACopyStaysAsItIs) {
  seen.clear();
  asyncio::run(tell_while_clients_come());
  EXPECT_EQ(seen, (std::vector<std::string>{"Ada", "Bob"}));
}

// [lock]
Coro<> add_interest(asyncio::Lock* lock, int* balance) {
  auto held = co_await scoped(*lock);
  const int before = *balance;
  co_await asyncio::sleep(1ms);  // others run here, but not past the lock
  *balance = before + before / 10;
}
// [lock]

Coro<int> add_interest_twice() {
  asyncio::Lock lock;
  int balance = 100;
  co_await asyncio::gather(add_interest(&lock, &balance), add_interest(&lock, &balance));
  co_return balance;
}

TEST(PitfallsTest, LocksHoldAcrossAwaits) { EXPECT_EQ(asyncio::run(add_interest_twice()), 121); }

// [from_thread]
Coro<int> count_words(std::string text) {
  co_await asyncio::sleep(0s);
  co_return text.empty() ? 0 : 1;
}

// On any thread but the loop's.
int count_from_outside(asyncio::EventLoop& loop) {
  loop.call_soon_threadsafe([] { seen.emplace_back("called"); });
  return asyncio::run_coroutine_threadsafe(count_words("word"), loop).result();
}
// [from_thread]

Coro<int> serve_a_thread() {
  asyncio::EventLoop* const loop = &asyncio::get_running_loop();
  co_return co_await asyncio::to_thread([loop] { return count_from_outside(*loop); });
}

TEST(PitfallsTest, ThreadsComeInByTheDoor) {
  seen.clear();
  EXPECT_EQ(asyncio::run(serve_a_thread()), 1);
  EXPECT_EQ(seen, std::vector<std::string>{"called"});
}

// [forgotten]
Coro<> wait_for_nobody() {
  const asyncio::DeadlockDetective detective(asyncio::get_running_loop());
  const asyncio::Future<> answer;
  co_await answer;  // nobody has it to set its result
}
// [forgotten]

TEST(PitfallsTest, ADeadlockIsFound) {
  EXPECT_THROW(asyncio::run(wait_for_nobody()), asyncio::Deadlock);
}

Coro<> say_goodbye() {
  co_await asyncio::sleep(1ms);
  seen.emplace_back("goodbye");
}

// [generator]
asyncio::AsyncGenerator<int> read_numbers() {
  std::exception_ptr end;
  try {
    for (int i = 1;; ++i) co_yield i;
  } catch (...) {
    end = std::current_exception();
  }
  co_await say_goodbye();
  std::rethrow_exception(end);
}

Coro<int> read_one() {
  auto numbers = read_numbers();
  const std::optional<int> first = co_await numbers.next();
  co_await numbers.aclose();  // without it nobody says goodbye
  co_return *first;
}
// [generator]

TEST(PitfallsTest, AcloseLetsAGeneratorAwaitAtItsEnd) {
  seen.clear();
  EXPECT_EQ(asyncio::run(read_one()), 1);
  EXPECT_EQ(seen, std::vector<std::string>{"goodbye"});
}

// What the page quotes of the log.

Coro<> forget_a_failure() {
  asyncio::create_task(refresh(""));
  co_await asyncio::sleep(10ms);
}

TEST(PitfallsTest, AForgottenFailureIsReported) {
  testing::internal::CaptureStderr();
  asyncio::run(forget_a_failure());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("Task exception was never retrieved"), std::string::npos) << log;
  EXPECT_NE(log.find("\nfuture: <Task 'Task-"), std::string::npos) << log;
  EXPECT_NE(log.find("\nexception: std::runtime_error: no feed"), std::string::npos) << log;
}

Coro<> forget_to_await() {
  static_cast<void>(refresh("news"));
  co_return;
}

TEST(PitfallsTest, AForgottenAwaitIsLogged) {
  testing::internal::CaptureStderr();
  asyncio::run(forget_to_await());
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("was never awaited"), std::string::npos) << log;
  EXPECT_NE(log.find("coroutine at "), std::string::npos) << log;
}

}  // namespace
}  // namespace docs_pitfalls
