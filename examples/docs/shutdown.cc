// Good ends of servers.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_shutdown {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

Coro<std::string> result_of(std::string order) {
  co_await asyncio::sleep(20ms);
  co_return "done: " + order;
}

// [service]
class Service {
 public:
  Coro<> serve_client(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (const std::optional<std::string> order = co_await next_order(&reader, &writer)) {
      const std::string result = co_await result_of(*order);
      writer.write(result);
      co_await writer.drain();
    }
  }

  // Clients that wait for nothing are let go at once, the others when they have their answer.
  void finish() {
    finishing_ = true;
    for (const asyncio::StreamWriter* writer : idle_) writer->close();
  }

 private:
  Coro<std::optional<std::string>> next_order(const asyncio::StreamReader* reader,
                                              const asyncio::StreamWriter* writer) {
    if (finishing_) co_return std::nullopt;
    idle_.insert(writer);
    const absl::Cleanup busy = [this, writer] { idle_.erase(writer); };
    co_return co_await reader->next();
  }

  std::set<const asyncio::StreamWriter*> idle_;
  bool finishing_ = false;
};
// [service]

// [serve]
Coro<asyncio::ShutdownCounts> serve_until_told(std::uint16_t port) {
  auto service = std::make_shared<Service>();
  auto serve_client = [service](asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    return service->serve_client(std::move(reader), std::move(writer));
  };
  asyncio::Server server = co_await asyncio::start_server(serve_client, "127.0.0.1", port);

  asyncio::Future<> told_to_end;
  asyncio::get_running_loop().add_signal_handler(SIGTERM, [told_to_end] {
    if (!told_to_end.done()) told_to_end.set_result();
  });
  co_await told_to_end;

  service->finish();
  co_return co_await server.shutdown(10s);
}
// [serve]

// A port that was free a moment ago.
Coro<std::uint16_t> free_port() {
  auto nobody = [](asyncio::StreamReader, asyncio::StreamWriter) {};
  asyncio::Server server = co_await asyncio::start_server(nobody, "127.0.0.1", 0);
  co_return server.sockets()[0].getsockname().port();
}

TEST(ShutdownTest, LetsIdleClientsGoAndAnswersTheOthers) {
  auto main = []() -> Coro<> {
    const std::uint16_t port = co_await free_port();
    asyncio::Task<asyncio::ShutdownCounts> server = asyncio::create_task(serve_until_told(port));
    co_await asyncio::sleep(10ms);
    auto [idle_reader, idle_writer] = co_await asyncio::open_connection("127.0.0.1", port);
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write("a chair\n");
    co_await asyncio::sleep(10ms);  // it is being worked on
    std::raise(SIGTERM);
    EXPECT_EQ(co_await idle_reader.read(), "");
    EXPECT_EQ(co_await reader.read(), "done: a chair\n");
    const asyncio::ShutdownCounts counts = co_await server;
    EXPECT_EQ(counts, (asyncio::ShutdownCounts{.finished = 2, .aborted = 0}));
  };
  asyncio::run(main());
}

}  // namespace
}  // namespace docs_shutdown
