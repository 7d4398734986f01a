// Datagrams.

#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_udp {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

// [server]
class Echo : public asyncio::DatagramProtocol {
 public:
  void connection_made(asyncio::DatagramTransport& transport) override { transport_ = &transport; }
  void datagram_received(std::string_view data, const asyncio::SocketAddress& sender) override {
    transport_->sendto(data, sender);
  }

 private:
  asyncio::DatagramTransport* transport_ = nullptr;
};

Coro<std::shared_ptr<asyncio::DatagramTransport>> start_echo() {
  auto make_echo = [] { return std::make_shared<Echo>(); };
  const asyncio::HostPort here{"127.0.0.1", 0};
  auto [transport, echo] =
      co_await asyncio::create_datagram_endpoint(make_echo, {.local_addr = here});
  co_return transport;
}
// [server]

// [client]
// Keeps what has arrived until somebody asks for it.
class Inbox : public asyncio::DatagramProtocol {
 public:
  void datagram_received(std::string_view data, const asyncio::SocketAddress&) override {
    if (!arrived_.full()) arrived_.put_nowait(std::string(data));
  }

  // Such as a ConnectionRefusedError: nobody listens there.
  void error_received(std::exception_ptr) override { ++errors_; }

  Coro<std::string> next() { co_return co_await arrived_.get(); }
  int errors() const { return errors_; }

 private:
  asyncio::Queue<std::string> arrived_{{.maxsize = 100}};
  int errors_ = 0;
};

// Question and answer may be lost on their way, so it asks again.
Coro<std::string> ask(asyncio::DatagramTransport* transport, Inbox* inbox, std::string question,
                      asyncio::Duration patience) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    transport->sendto(question);
    try {
      co_return co_await asyncio::with(asyncio::timeout(patience),
                                       [&](asyncio::Timeout&) { return inbox->next(); });
    } catch (const asyncio::TimeoutError&) {
      // Once more.
    }
  }
  asyncio::throw_os_error(ETIMEDOUT, "ask");
}

Coro<std::string> ask_once(asyncio::SocketAddress server, std::string question) {
  auto make_inbox = [] { return std::make_shared<Inbox>(); };
  const std::string host = server.host();
  const asyncio::HostPort there{host, server.port()};
  auto [transport, inbox] =
      co_await asyncio::create_datagram_endpoint(make_inbox, {.remote_addr = there});
  const std::string answer = co_await ask(transport.get(), inbox.get(), question, 1s);
  transport->close();
  co_return answer;
}
// [client]

TEST(UdpTest, Answers) {
  auto main = []() -> Coro<> {
    const auto server = co_await start_echo();
    EXPECT_EQ(co_await ask_once(server->sockname(), "hello"), "hello");
  };
  asyncio::run(main());
}

// Hears only every second question.
class HalfDeaf : public Echo {
 public:
  void datagram_received(std::string_view data, const asyncio::SocketAddress& sender) override {
    if (++heard_ % 2 == 0) Echo::datagram_received(data, sender);
  }

 private:
  int heard_ = 0;
};

Coro<std::pair<std::string, int>> ask_at(asyncio::SocketAddress server) {
  const std::string host = server.host();
  const asyncio::HostPort there{host, server.port()};
  auto make_inbox = [] { return std::make_shared<Inbox>(); };
  auto [transport, inbox] =
      co_await asyncio::create_datagram_endpoint(make_inbox, {.remote_addr = there});
  std::string answer;
  try {
    answer = co_await ask(transport.get(), inbox.get(), "hello", 10ms);
  } catch (const asyncio::TimeoutError&) {
    answer = "none";
  }
  transport->close();
  const int errors = inbox->errors();
  co_return std::pair(answer, errors);
}

TEST(UdpTest, AsksAgain) {
  auto main = []() -> Coro<> {
    auto make_server = [] { return std::make_shared<HalfDeaf>(); };
    const asyncio::HostPort here{"127.0.0.1", 0};
    auto [server, deaf] =
        co_await asyncio::create_datagram_endpoint(make_server, {.local_addr = here});
    const auto [answer, errors] = co_await ask_at(server->sockname());
    EXPECT_EQ(answer, "hello");
  };
  asyncio::run(main());
}

TEST(UdpTest, HearsThatNobodyListens) {
  auto main = []() -> Coro<> {
    const auto server = co_await start_echo();
    const asyncio::SocketAddress address = server->sockname();
    server->close();
    co_await asyncio::sleep(1ms);
    const auto [answer, errors] = co_await ask_at(address);
    EXPECT_EQ(answer, "none");
    EXPECT_GT(errors, 0);
  };
  asyncio::run(main());
}

}  // namespace
}  // namespace docs_udp
