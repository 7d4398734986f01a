// Ways to serve TCP.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_serving {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

std::uint16_t port_of(const asyncio::Server& server) {
  return server.sockets()[0].getsockname().port();
}

// [idle]
// Answers each line; hangs up on who says nothing for a minute.
Coro<> answer(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    while (true) {
      const std::optional<std::string> line = co_await asyncio::with(
          asyncio::timeout(60s), [&](asyncio::Timeout&) { return reader.next(); });
      if (!line.has_value()) break;
      writer.write("you said " + *line);
      co_await writer.drain();
    }
  } catch (const asyncio::TimeoutError&) {
    writer.write("goodbye\n");
  }
  writer.close();
  co_await writer.wait_closed();
}
// [idle]

TEST(ServingTest, Answers) {
  auto main = []() -> Coro<> {
    asyncio::Server server = co_await asyncio::start_server(answer, "127.0.0.1", 0);
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port_of(server));
    writer.write("hello\n");
    EXPECT_EQ(co_await reader.readline(), "you said hello\n");
  };
  asyncio::run(main());
}

// [shared]
class Visits {
 public:
  Coro<> count(asyncio::StreamReader, asyncio::StreamWriter writer) {
    writer.write(std::to_string(++visits_) + "\n");
    co_await writer.drain();
  }

 private:
  int visits_ = 0;
};

Coro<asyncio::Server> start_counting() {
  auto count = [visits = std::make_shared<Visits>()](asyncio::StreamReader reader,
                                                     asyncio::StreamWriter writer) {
    return visits->count(std::move(reader), std::move(writer));
  };
  co_return co_await asyncio::start_server(count, "127.0.0.1", 0, {.backlog = 1000});
}
// [shared]

TEST(ServingTest, Counts) {
  auto main = []() -> Coro<> {
    asyncio::Server server = co_await start_counting();
    for (const char* expected : {"1\n", "2\n"}) {
      auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port_of(server));
      EXPECT_EQ(co_await reader.read(), expected);
    }
  };
  asyncio::run(main());
}

// [protocol]
class Echo : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override { transport_ = nullptr; }

  // A peer that does not read is not read from.
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  asyncio::Transport* transport_ = nullptr;
};

Coro<asyncio::Server> start_echo() {
  auto make_echo = [] { return std::make_shared<Echo>(); };
  co_return co_await asyncio::create_server(make_echo, "127.0.0.1", 0);
}
// [protocol]

TEST(ServingTest, Echoes) {
  auto main = []() -> Coro<> {
    asyncio::Server server = co_await start_echo();
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port_of(server));
    writer.write("hello\n");
    EXPECT_EQ(co_await reader.readexactly(6), "hello\n");
  };
  asyncio::run(main());
}

}  // namespace
}  // namespace docs_serving
