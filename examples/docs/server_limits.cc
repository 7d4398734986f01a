// What a server grants to its clients.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_server_limits {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

// [request]
// A request has to come whole within ten seconds, be it sent byte by byte.
Coro<std::optional<std::string>> next_request(const asyncio::StreamReader* reader) {
  co_return co_await asyncio::with(asyncio::timeout(10s),
                                   [&](asyncio::Timeout&) { return reader->next(); });
}

Coro<> answer(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    while (const std::optional<std::string> request = co_await next_request(&reader)) {
      writer.write("you said " + *request);
      co_await writer.drain();
    }
  } catch (const asyncio::TimeoutError&) {
    writer.write("too slow\n");
  } catch (const std::invalid_argument&) {
    writer.write("too long\n");
  }
}
// [request]

// [limits]
Coro<asyncio::Server> start() {
  const asyncio::ServerLimits limits{
      .connections = 1000,
      .connections_per_peer = 3,
      .first_byte_timeout = 5s,
      .idle_timeout = 30s,
      .buffered_bytes = 1024 * 1024,
  };
  // `limit`: the longest line, and half of what is buffered of what a client sends.
  co_return co_await asyncio::start_server(answer, "127.0.0.1", 0,
                                           {.limit = 4096, .limits = limits});
}
// [limits]

Coro<std::string> say(std::uint16_t port, std::string line) {
  auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  writer.write(line);
  co_return co_await reader.readline();
}

TEST(ServerLimitsTest, ServesThoseBelowTheLimitAndRefusesTheRest) {
  auto main = []() -> Coro<> {
    asyncio::Server server = co_await start();
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    EXPECT_EQ(co_await say(port, "hello\n"), "you said hello\n");
    EXPECT_EQ(co_await say(port, std::string(10'000, 'x')), "too long\n");

    std::vector<std::pair<asyncio::StreamReader, asyncio::StreamWriter>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(co_await asyncio::open_connection("127.0.0.1", port));
    }
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    EXPECT_EQ(co_await reader.read(), "");
    EXPECT_EQ(server.refused(), 1u);
  };
  asyncio::run(main());
}

// [work]
// However many clients there are, four of them at once have their work done.
class Workshop {
 public:
  Coro<std::string> work(std::string order) {
    auto held = co_await scoped(benches_);
    co_await asyncio::sleep(1ms);
    co_return order + ", done\n";
  }

 private:
  asyncio::Semaphore benches_{4};
};
// [work]

TEST(ServerLimitsTest, Works) {
  auto main = []() -> Coro<> {
    Workshop workshop;
    std::vector<asyncio::Task<std::string>> tasks;
    for (int i = 0; i < 9; ++i) tasks.push_back(asyncio::create_task(workshop.work("a chair")));
    for (const auto& task : tasks) EXPECT_EQ(co_await task, "a chair, done\n");
  };
  asyncio::run(main());
}

}  // namespace
}  // namespace docs_server_limits
