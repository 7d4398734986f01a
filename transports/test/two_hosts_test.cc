// Connections over a network that loses what is sent.
#include "transports/test/two_hosts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/datagram_endpoint.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"
#include "asyncio/utils/wait_for.h"
#include "gtest/gtest.h"
#include "transports/test/datagram_recorder.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kThere = "10.0.0.2";

bool have_two_hosts = false;

// A bound socket of the other host.
Socket socket_there(int type, std::string_view host) {
  Socket socket;
  on_there([&] {
    const SocketAddress address = SocketAddress::from_numeric(host, 0);
    socket = Socket::open(address.family(), type);
    socket.bind(address);
  });
  return socket;
}

// Segments that had to be sent again.
std::uint32_t retransmissions(const Transport& transport) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  check(::getsockopt(transport.fileno(), IPPROTO_TCP, TCP_INFO, &info, &size), "getsockopt");
  return info.tcpi_total_retrans;
}

class Echo final : public Protocol {
 public:
  void connection_made(Transport& made) override { transport_ = &made; }
  void data_received(std::string_view data) override { transport_->write(data); }

  const Transport& transport() const { return *transport_; }

 private:
  Transport* transport_ = nullptr;
};

class TwoHostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_two_hosts) GTEST_SKIP() << "this system gives nobody a network of their own";
  }

  // Serves Echo on the other host.
  Coro<Server> serve(std::string host, ServerLimits limits = ServerLimits()) {
    ServerOptions options;
    options.limits = limits;
    Socket socket = socket_there(SOCK_STREAM, host);
    auto factory = [this] { return echo_ = std::make_shared<Echo>(); };
    co_return co_await create_server(factory, std::move(socket), options);
  }

  static std::uint16_t port_of(const Server& server) {
    return server.sockets()[0].getsockname().port();
  }

  static std::shared_ptr<Recorder> make_recorder() { return std::make_shared<Recorder>(); }

  WatchedLoop loop_;
  std::shared_ptr<Echo> echo_;  // of the last client
};

TEST_F(TwoHostsTest, AStreamGoesOnWhereItWasWhenTheWireIsMended) {
  loop_.run([this]() -> Coro<> {
    const Server server = co_await serve(std::string(kThere));
    auto [transport, recorder] = co_await create_connection(make_recorder, kThere, port_of(server));
    const std::string data = noise(8 << 20);
    transport->write(data);
    for (int cut = 1; cut <= 3; ++cut) {
      co_await until([&] { return recorder->received.size() > data.size() / 5 * cut; });
      cut_wire();
      co_await sleep(50ms);
      mend_wire();
    }
    co_await until([&] { return recorder->received.size() >= data.size(); });
    EXPECT_TRUE(recorder->received == data);
    EXPECT_GT(retransmissions(*transport) + retransmissions(echo_->transport()), 0U);
    transport->close();
    co_await until([&] { return recorder->lost; });
  });
}

TEST_F(TwoHostsTest, AServerNoticesByItsSilenceThatAClientIsCutOff) {
  loop_.run([this]() -> Coro<> {
    const Server server = co_await serve(std::string(kThere), {.idle_timeout = 200ms});
    auto [transport, recorder] = co_await create_connection(make_recorder, kThere, port_of(server));
    transport->write("x");
    co_await until([&] { return recorder->received == "x"; });
    cut_wire();
    server.close();
    co_await server.wait_closed();
    EXPECT_FALSE(recorder->lost);
    mend_wire();
    transport->write("are you there?");
    co_await until([&] { return recorder->lost; });
    EXPECT_TRUE(holds<ConnectionResetError>(recorder->error)) << text_of(recorder->error);
  });
}

TEST_F(TwoHostsTest, HappyEyeballsDoNotWaitForAnAddressThatNeverAnswers) {
  loop_.run([this]() -> Coro<> {
    const Server server = co_await serve(std::string(kThere));
    const std::uint16_t port = port_of(server);
    const TimePoint begin = loop_.time();
    auto [transport, recorder] = co_await create_connection(
        make_recorder, "half-dead", port, {.happy_eyeballs_delay = Duration(100ms)});
    const Duration took = loop_.time() - begin;
    EXPECT_EQ(transport->peername().host(), kThere);
    EXPECT_GE(took, 100ms);
    EXPECT_LT(took, 10s) << "the system gives up after two minutes";
    transport->abort();
  });
}

TEST_F(TwoHostsTest, WithoutThemOneWaitsAsLongAsTheSystemDoes) {
  loop_.run([this]() -> Coro<> {
    const Server server = co_await serve(std::string(kThere));
    const std::uint16_t port = port_of(server);
    auto connect = [port]() -> Coro<> {
      co_await wait_for(create_connection(make_recorder, "half-dead", port), 500ms);
    };
    const std::exception_ptr error = co_await failure_of(connect);
    EXPECT_TRUE(holds<TimeoutError>(error)) << text_of(error);
  });
}

TEST_F(TwoHostsTest, TheFirstAddressWinsIfItAnswersInTime) {
  loop_.run([this]() -> Coro<> {
    const Server server = co_await serve("2001:db8::2");
    auto [transport, recorder] = co_await create_connection(make_recorder, "there", port_of(server),
                                                            {.happy_eyeballs_delay = Duration(2s)});
    EXPECT_EQ(transport->peername().host(), "2001:db8::2");
    transport->abort();
  });
}

TEST_F(TwoHostsTest, ANetworkThatCannotBeReachedIsAnErrorAtOnce) {
  loop_.run([]() -> Coro<> {
    const std::exception_ptr error = co_await failure_of(
        []() -> Coro<> { co_await create_connection(make_recorder, "192.0.2.1", 80); });
    try {
      if (error != nullptr) std::rethrow_exception(error);
      ADD_FAILURE() << "connected";
    } catch (const OsError& e) {
      EXPECT_EQ(e.error_number(), ENETUNREACH);
    }
  });
}

// A name server that does not answer is asked for ten seconds and more.

TEST_F(TwoHostsTest, ALookupThatNobodyAnswersIsGivenUpAtOnce) {
  loop_.run([this]() -> Coro<> {
    const TimePoint begin = loop_.time();
    auto look_up = []() -> Coro<> { co_await wait_for(getaddrinfo("nobody.example", 80), 50ms); };
    EXPECT_TRUE(holds<TimeoutError>(co_await failure_of(look_up)));
    EXPECT_LT(Duration(loop_.time() - begin), 8s);
  });
}

TEST_F(TwoHostsTest, AProcessEndsThoughALookupOfItsHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const TimePoint begin = std::chrono::steady_clock::now();
  const auto look_up_and_leave = [] {
    auto look_up = []() -> Coro<> { co_await wait_for(getaddrinfo("nobody.example", 80), 50ms); };
    WatchedLoop loop;
    loop.run([look_up]() -> Coro<> { co_await failure_of(look_up); });
    loop.close();
    std::exit(7);
  };
  EXPECT_EXIT(look_up_and_leave(), ::testing::ExitedWithCode(7), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
}

TEST_F(TwoHostsTest, DatagramsThatAreLostAreNoError) {
  loop_.run([]() -> Coro<> {
    auto [there, heard] = co_await create_datagram_endpoint(
        [] { return std::make_shared<DatagramRecorder>(); }, socket_there(SOCK_DGRAM, kThere));
    auto [here, ours] = co_await create_datagram_endpoint(
        [] { return std::make_shared<DatagramRecorder>(); },
        DatagramOptions{.remote_addr = {{kThere, there->sockname().port()}}});
    here->sendto("before");
    co_await until([&] { return heard->received.size() == 1; });
    cut_wire();
    here->sendto("lost");
    co_await sleep(20ms);
    mend_wire();
    while (heard->received.size() == 1) {
      here->sendto("after");
      co_await sleep(10ms);
    }
    EXPECT_EQ(heard->received[1], "after");
    EXPECT_TRUE(ours->last_error == nullptr);
    here->abort();
    there->abort();
    co_await turns(3);
  });
}

}  // namespace
}  // namespace asyncio

int main(int argc, char** argv) {
  asyncio::have_two_hosts = asyncio::enter_two_hosts(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
