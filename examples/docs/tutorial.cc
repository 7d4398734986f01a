// The tutorial's code, in its order.

// [head]
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "asyncio/asyncio.h"

using asyncio::Coro;
using namespace std::chrono_literals;
// [head]

#include "gtest/gtest.h"

namespace docs_tutorial {
namespace {

// Time that passes at once, and only then: for steps that do nothing but sleep.
template <class T>
T run_at_once(Coro<T> (*step)()) {
  asyncio::VirtualTimeLoop loop;
  return asyncio::run_until_complete(loop, step());
}

// [greet]
Coro<std::string> greet(std::string name) {
  co_await asyncio::sleep(1s);
  co_return "hello, " + name;
}

Coro<> say_hello() {
  const std::string text = co_await greet("world");
  std::puts(text.c_str());
}
// [greet]

TEST(TutorialTest, Greets) {
  testing::internal::CaptureStdout();
  run_at_once(say_hello);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "hello, world\n");
}

// [tasks]
Coro<> greet_both() {
  asyncio::Task<std::string> ada = asyncio::create_task(greet("Ada"));
  asyncio::Task<std::string> bob = asyncio::create_task(greet("Bob"));
  std::puts((co_await ada).c_str());
  std::puts((co_await bob).c_str());
}
// [tasks]

TEST(TutorialTest, GreetsBothInASecond) {
  asyncio::VirtualTimeLoop loop;
  const asyncio::TimePoint start = loop.time();
  testing::internal::CaptureStdout();
  asyncio::run_until_complete(loop, greet_both());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "hello, Ada\nhello, Bob\n");
  EXPECT_EQ(loop.time() - start, 1s);
}

// [timeout]
Coro<> be_impatient() {
  try {
    co_await asyncio::with(asyncio::timeout(100ms), [](asyncio::Timeout&) -> Coro<> {
      std::puts((co_await greet("nobody")).c_str());
    });
  } catch (const asyncio::TimeoutError&) {
    std::puts("that took too long");
  }
}
// [timeout]

TEST(TutorialTest, IsImpatient) {
  testing::internal::CaptureStdout();
  run_at_once(be_impatient);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "that took too long\n");
}

// [cancel]
Coro<> count_down(int from) {
  try {
    for (int i = from; i > 0; --i) {
      std::printf("%d\n", i);
      co_await asyncio::sleep(1s);
    }
  } catch (const asyncio::CancelledError&) {
    std::puts("stopped");
    throw;
  }
}

Coro<> stop_early() {
  asyncio::Task<> task = asyncio::create_task(count_down(10));
  co_await asyncio::sleep(1500ms);
  task.cancel();
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    std::puts("it has ended");
  }
}
// [cancel]

TEST(TutorialTest, StopsEarly) {
  testing::internal::CaptureStdout();
  run_at_once(stop_early);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "10\n9\nstopped\nit has ended\n");
}

// [server]
Coro<> answer(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (std::optional<std::string> line = co_await reader.next()) {
    writer.write("you said " + *line);
    co_await writer.drain();
  }
}
// [server]

// [client]
Coro<std::string> ask(std::uint16_t port, std::string question) {
  auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  writer.write(question + "\n");
  std::string line = co_await reader.readline();
  writer.close();
  co_await writer.wait_closed();
  co_return line;
}
// [client]

// [both]
Coro<> talk() {
  asyncio::Server server = co_await asyncio::start_server(answer, "127.0.0.1", 0);
  const std::uint16_t port = server.sockets()[0].getsockname().port();
  std::printf("%s", (co_await ask(port, "hello")).c_str());
}
// [both]

TEST(TutorialTest, Talks) {
  testing::internal::CaptureStdout();
  asyncio::run(talk());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "you said hello\n");
}

// [end]
Coro<> serve(std::uint16_t port) {
  asyncio::Server server = co_await asyncio::start_server(answer, "127.0.0.1", port);
  asyncio::Future<> told_to_end;
  asyncio::get_running_loop().add_signal_handler(SIGTERM, [told_to_end] {
    if (!told_to_end.done()) told_to_end.set_result();
  });
  co_await told_to_end;

  server.close();          // nobody new,
  server.close_clients();  // what is buffered still goes out,
  try {
    co_await asyncio::with(asyncio::timeout(5s),
                           [&](asyncio::Timeout&) { return server.wait_closed(); });
  } catch (const asyncio::TimeoutError&) {
    server.abort_clients();  // but not to those who do not read.
  }
}
// [end]

TEST(TutorialTest, EndsWhenTold) {
  auto main = []() -> Coro<> {
    asyncio::Task<> server = asyncio::create_task(serve(0));
    co_await asyncio::sleep(10ms);
    std::raise(SIGTERM);
    co_await server;
  };
  asyncio::run(main());
}

}  // namespace
}  // namespace docs_tutorial
