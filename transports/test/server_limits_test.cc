#include "asyncio/transports/server_limits.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/server.h"
#include "events/test/captured_log.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

Peer connect_from(std::string_view host, const SocketAddress& address) {
  FileDescriptor socket(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const SocketAddress local = SocketAddress::from_numeric(host, 0);
  check(::bind(socket.get(), local.data(), local.size()), "bind");
  check(::connect(socket.get(), address.data(), address.size()), "connect");
  return Peer(std::move(socket));
}

class ServerLimitsTest : public ::testing::Test {
 protected:
  ~ServerLimitsTest() override { loop_.close(); }

  Coro<Server> serve(ServerLimits limits) {
    ServerOptions options;
    options.limits = limits;
    return create_server([this] { return clients_.emplace_back(std::make_shared<Recorder>()); },
                         "127.0.0.1", 0, options);
  }

  // A client that the server has accepted.
  Coro<Peer> connect(const Server* server) {
    const std::size_t before = clients_.size();
    Peer peer = Peer::connect(server->sockets()[0].getsockname());
    co_await until([&] { return clients_.size() > before && !clients_.back()->calls.empty(); });
    co_return std::move(peer);
  }

  template <class F>
  void run(F main) {
    run_until_complete(loop_, main());
  }

  VirtualTimeLoop loop_;
  CapturedLog log_;
  std::vector<std::shared_ptr<Recorder>> clients_;
};

TEST_F(ServerLimitsTest, AreOnByDefaultAndFarAboveWhatAnHonestClientNeeds) {
  const ServerLimits limits = ServerOptions().limits;
  EXPECT_EQ(limits.connections, 20'000u);
  EXPECT_EQ(limits.connections_per_peer, 5'000u);
  EXPECT_EQ(limits.first_byte_timeout, 60s);
  EXPECT_EQ(limits.idle_timeout, 1h);
  EXPECT_EQ(limits.buffered_bytes, 64u << 20);
}

TEST_F(ServerLimitsTest, AConnectionTooManyIsClosedAtOnceAndCounted) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.connections = 2});
    Peer first = co_await connect(&server);
    const Peer second = co_await connect(&server);
    for (int i = 0; i < 3; ++i) {
      const Peer refused = Peer::connect(server.sockets()[0].getsockname());
      EXPECT_EQ(co_await refused.recv(), "");
    }
    EXPECT_EQ(server.refused(), 3u);
    EXPECT_EQ(clients_.size(), 2u) << "the factory is not asked";
    EXPECT_EQ(log_.messages.size(), 1u);
    second.send("others go on");
    co_await until([&] { return clients_[1]->received == "others go on"; });
    first.close();
    co_await until([&] { return clients_[0]->lost; });
    co_await turns(1);
    const Peer third = co_await connect(&server);
    EXPECT_EQ(server.refused(), 3u);
  });
}

TEST_F(ServerLimitsTest, ACrowdIsTurnedAwayWithoutStallingTheListener) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.connections = 1});
    const Peer inside = co_await connect(&server);
    std::vector<Peer> crowd;
    for (int i = 0; i < 300; ++i) {
      crowd.push_back(Peer::connect(server.sockets()[0].getsockname()));
      if (i % 50 == 0) co_await turns(1);
    }
    for (const Peer& peer : crowd) EXPECT_EQ(co_await peer.recv(), "");
    EXPECT_EQ(server.refused(), 300u);
    EXPECT_EQ(log_.messages.size(), 1u);
  });
}

TEST_F(ServerLimitsTest, APeerTooManyTimesIsRefusedAndOthersAreNot) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.connections_per_peer = 1});
    const Peer first = co_await connect(&server);
    const Peer refused = Peer::connect(server.sockets()[0].getsockname());
    EXPECT_EQ(co_await refused.recv(), "");
    EXPECT_EQ(server.refused(), 1u);
    const Peer other = connect_from("127.0.0.2", server.sockets()[0].getsockname());
    other.send("hello");
    co_await until([&] { return clients_.size() == 2 && clients_[1]->received == "hello"; });
    EXPECT_EQ(clients_[1]->transport->peername().host(), "127.0.0.2");
  });
}

TEST_F(ServerLimitsTest, AClientWhoseFactoryFailsIsNotCounted) {
  run([&]() -> Coro<> {
    ServerOptions options;
    options.limits.connections = 1;
    int calls = 0;
    auto factory = [&]() -> std::shared_ptr<Recorder> {
      if (++calls <= 3) throw std::runtime_error("not yet");
      return clients_.emplace_back(std::make_shared<Recorder>());
    };
    const Server server = co_await create_server(factory, "127.0.0.1", 0, options);
    for (int i = 0; i < 3; ++i) {
      const Peer unlucky = Peer::connect(server.sockets()[0].getsockname());
      EXPECT_EQ(co_await unlucky.recv(), "");
    }
    const Peer lucky = co_await connect(&server);
    EXPECT_EQ(server.refused(), 0u);
  });
}

// A slow loris connects and says nothing.
TEST_F(ServerLimitsTest, AConnectionWithoutAFirstByteIsAborted) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.first_byte_timeout = 10s, .idle_timeout = 1000s});
    const Peer mute = co_await connect(&server);
    const Peer talker = co_await connect(&server);
    const TimePoint begin = loop_.time();
    talker.send("x");
    EXPECT_EQ(co_await mute.recv(), "");
    EXPECT_GE(loop_.time() - begin, 10s - 100ms);
    EXPECT_LE(loop_.time() - begin, 13s);
    EXPECT_EQ(clients_[0]->calls, (Calls{"made", "lost: no first byte in time"}));
    EXPECT_TRUE(holds<TimeoutError>(clients_[0]->error));
    co_await sleep(900s);
    EXPECT_FALSE(clients_[1]->lost);
    co_await sleep(400s);
    EXPECT_EQ(clients_[1]->calls, (Calls{"made", "data", "lost: idle for too long"}));
  });
}

TEST_F(ServerLimitsTest, AServerThatSpeaksFirstHasBrokenTheSilence) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.first_byte_timeout = 10s, .idle_timeout = Duration()});
    const Peer peer = co_await connect(&server);
    clients_[0]->transport->write("220 ready");
    co_await sleep(1000s);
    EXPECT_FALSE(clients_[0]->lost);
  });
}

TEST_F(ServerLimitsTest, TimeoutsOfZeroAreOff) {
  run([&]() -> Coro<> {
    const Server server =
        co_await serve({.first_byte_timeout = Duration(), .idle_timeout = Duration()});
    const Peer peer = co_await connect(&server);
    co_await sleep(10'000h);
    EXPECT_FALSE(clients_[0]->lost);
  });
}

TEST_F(ServerLimitsTest, AProtocolThatIgnoresPauseWritingIsCutOff) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.buffered_bytes = 1 << 20});
    const Peer peer = co_await connect(&server);
    const std::string block(64 * 1024, 'x');
    std::size_t most = 0;
    while (!clients_[0]->transport->is_closing()) {
      clients_[0]->transport->write(block);
      most = std::max(most, clients_[0]->transport->get_write_buffer_size());
    }
    EXPECT_GT(most, 1u << 20);
    EXPECT_LT(most, (1u << 20) + (256u << 10));
    co_await until([&] { return clients_[0]->lost; });
    EXPECT_EQ(clients_[0]->calls, (Calls{"made", "pause",
                                         "lost: written in spite of pause_writing(): No buffer "
                                         "space available"}));
  });
}

TEST_F(ServerLimitsTest, PiecesCountAsWell) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.buffered_bytes = 1 << 20});
    const Peer peer = co_await connect(&server);
    const std::string block(1 << 20, 'x');
    const std::vector<std::string_view> pieces(20, block);
    clients_[0]->transport->writelines(pieces);
    EXPECT_FALSE(clients_[0]->transport->is_closing()) << "it was not told to pause before";
    clients_[0]->transport->writelines(pieces);
    EXPECT_TRUE(clients_[0]->transport->is_closing());
  });
}

TEST_F(ServerLimitsTest, WhoWaitsWhenToldToPauseMayWriteAsMuchAsItLikes) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.buffered_bytes = 1 << 20});
    const Peer peer = co_await connect(&server);
    const std::string much = noise(16 << 20);
    for (int i = 0; i < 3; ++i) {
      clients_[0]->transport->write(much);
      clients_[0]->transport->write("the end");
      EXPECT_TRUE(co_await peer.recv_all(much.size() + 7) == much + "the end");
    }
    EXPECT_FALSE(clients_[0]->lost);
  });
}

TEST_F(ServerLimitsTest, AnyAmountMayBeBufferedIfThatIsAskedFor) {
  run([&]() -> Coro<> {
    const Server server = co_await serve({.buffered_bytes = 0});
    const Peer peer = co_await connect(&server);
    const std::string block(8 << 20, 'x');
    for (int i = 0; i < 12; ++i) clients_[0]->transport->write(block);
    EXPECT_FALSE(clients_[0]->transport->is_closing());
  });
}

}  // namespace
}  // namespace asyncio
