// Every system call of the transports, made to fail in every way.
#include <netinet/in.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/events/running_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/pipe_transport.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/testing.h"
#include "asyncio/transports/transport.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"

namespace asyncio {
namespace {

using testing::fail_every_syscall;

// More than one pass through every buffer of a small socket.
constexpr std::size_t kSize = 20'000;

// Sends back what it receives, and the end of the stream.
class Echo final : public Protocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }

 private:
  Transport* transport_ = nullptr;
};

// Collects up to the end of the stream.
class Collector final : public Protocol {
 public:
  void data_received(std::string_view data) override { received += data; }
  void connection_lost(std::exception_ptr why) override {
    error = std::move(why);
    lost = true;
    if (waiting != nullptr) std::exchange(waiting, nullptr)->wake();
  }

  // Throws why the connection was lost.
  Coro<> wait_lost() {
    Waiter waiter;
    waiting = &waiter;
    absl::Cleanup withdraw = [this] { waiting = nullptr; };
    if (!lost) co_await waiter;
    if (error != nullptr) std::rethrow_exception(error);
  }

  std::string received;
  std::exception_ptr error;
  bool lost = false;
  Waiter* waiting = nullptr;
};

// What a scenario has received is compared with what it has sent, however it ends.
class Bytes {
 public:
  explicit Bytes(std::size_t size = kSize) : sent_(noise(size)) {}

  const std::string& sent() const { return sent_; }

  // Throws if any is missing.
  void receive(std::string received) {
    received_ = std::move(received);
    if (received_.size() < sent_.size()) throw std::runtime_error("the end came too soon");
  }

  // No byte that arrived was another than the one sent.
  bool intact() const { return sent_.starts_with(received_); }

 private:
  const std::string sent_;
  std::string received_;
};

std::unique_ptr<BufferedProtocol> make_echo() { return std::make_unique<Echo>(); }
std::unique_ptr<Collector> make_collector() { return std::make_unique<Collector>(); }

// Sends all, then the end of the stream, and collects what comes back.
Coro<> exchange_bytes(std::shared_ptr<Transport> transport, std::shared_ptr<Collector> collector,
                      Bytes* bytes) {
  absl::Cleanup abort = [transport] { transport->abort(); };
  transport->write(bytes->sent());
  transport->write_eof();
  co_await collector->wait_lost();
  bytes->receive(collector->received);
}

TEST(SyscallFaultsTest, AConnectionAndItsServerAreEchoedOrEnd) {
  const Bytes fresh;
  std::optional<Bytes> bytes;
  const auto scenario = [&]() -> Coro<> {
    bytes.emplace();
    Server server = co_await create_server(make_echo, "127.0.0.1", 0);
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    auto [transport, collector] = co_await create_connection(make_collector, "127.0.0.1", port);
    co_await exchange_bytes(transport, collector, &*bytes);
    server.close();
    co_await server.wait_closed();
  };
  const int calls = fail_every_syscall(scenario, [&] { return !bytes || bytes->intact(); });
  EXPECT_GT(calls, 20);
}

}  // namespace
}  // namespace asyncio
