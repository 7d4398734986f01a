#include "asyncio/streams/start_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/streams/open_connection.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/python_peer.h"
#include "transports/test/temporary_folder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

SocketAddress address_of(const Server& server) { return server.sockets()[0].getsockname(); }

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string data = co_await reader.read(65536);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

class StartServerTest : public ::testing::Test {
 protected:
  WatchedLoop loop_;
};

// The callback.

TEST_F(StartServerTest, ACoroutineFunctionServesEachClientInATaskOfItsOwn) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    const Peer first = Peer::connect(address_of(server));
    const Peer second = Peer::connect(address_of(server));
    second.send("two");
    EXPECT_EQ(co_await second.recv(), "two");
    first.send("one");
    EXPECT_EQ(co_await first.recv(), "one");
    first.shutdown_write();
    EXPECT_EQ(co_await first.recv(), "");
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(StartServerTest, AnOrdinaryFunctionServesToo) {
  loop_.run([&]() -> Coro<> {
    auto greet = [](StreamReader, StreamWriter writer) { writer.write("hello"); };
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    const Peer peer = Peer::connect(address_of(server));
    EXPECT_EQ(co_await peer.recv_all(), "hello") << "dropping the writer closes the connection";
  });
}

TEST_F(StartServerTest, AnOrdinaryFunctionMayKeepReaderAndWriterForOthers) {
  std::vector<std::pair<StreamReader, StreamWriter>> kept;
  loop_.run([&]() -> Coro<> {
    auto keep = [&](StreamReader reader, StreamWriter writer) {
      kept.emplace_back(std::move(reader), std::move(writer));
    };
    const Server server = co_await start_server(keep, "127.0.0.1", 0);
    const Peer peer = Peer::connect(address_of(server));
    peer.send("hello");
    co_await until([&] { return !kept.empty(); });
    EXPECT_EQ(co_await kept[0].first.read(5), "hello");
    kept[0].second.write("answer");
    EXPECT_EQ(co_await peer.recv(), "answer");
    kept.clear();
    EXPECT_EQ(co_await peer.recv(), "");
  });
}

// Its closure must be there when the coroutine refers to it, long after the server is gone.
TEST_F(StartServerTest, ALambdaThatCapturesLivesUntilTheLastConnectionHasEnded) {
  auto shared = std::make_shared<std::string>("a secret that no small string holds");
  const std::weak_ptr<std::string> alive = shared;
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server;
    {
      auto tell = [secret = std::move(shared)](StreamReader reader, StreamWriter writer) -> Coro<> {
        co_await reader.readline();
        writer.write(*secret);
      };
      server = co_await start_server(std::move(tell), "127.0.0.1", 0);
    }
    Peer peer = Peer::connect(address_of(*server));
    peer.send("tell");
    co_await turns(5);
    server.reset();
    co_await turns(5);
    EXPECT_FALSE(alive.expired());
    peer.send(" me\n");
    EXPECT_EQ(co_await peer.recv_all(), "a secret that no small string holds");
    peer.close();
    co_await until([&] { return alive.expired(); });
  });
}

TEST_F(StartServerTest, ADroppedServerWithoutConnectionsDropsItsCallback) {
  auto shared = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = shared;
  loop_.run([&]() -> Coro<> {
    auto callback = [shared = std::move(shared)](StreamReader, StreamWriter) {};
    {
      const Server server = co_await start_server(std::move(callback), "127.0.0.1", 0);
      EXPECT_FALSE(alive.expired());
    }
    EXPECT_TRUE(alive.expired());
  });
}

TEST_F(StartServerTest, WhatTheCallbackThrowsIsReportedAndTheConnectionClosed) {
  for (const bool before_first_await : {true, false}) {
    WatchedLoop loop;
    loop.run([&]() -> Coro<> {
      auto fail = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
        writer.write("last words");
        if (!before_first_await) co_await reader.readline();
        throw std::runtime_error("oops");
      };
      const Server server = co_await start_server(fail, "127.0.0.1", 0);
      const Peer peer = Peer::connect(address_of(server));
      if (!before_first_await) peer.send("x\n");
      EXPECT_EQ(co_await peer.recv_all(), "last words");
    });
    EXPECT_EQ(loop.reports(),
              std::vector<std::string>{"Unhandled exception in client_connected_cb: oops"});
  }
}

TEST_F(StartServerTest, WhatAnOrdinaryCallbackThrowsIsReportedAndTheConnectionClosed) {
  loop_.run([&]() -> Coro<> {
    auto fail = [](StreamReader, StreamWriter) { throw std::runtime_error("oops"); };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    const Peer peer = Peer::connect(address_of(server));
    EXPECT_EQ(co_await peer.recv_all(), "");
  });
  EXPECT_EQ(loop_.reports(),
            std::vector<std::string>{"Unhandled exception in client_connected_cb: oops"});
}

// The writer is kept elsewhere, so that only the failure can have closed the connection.
TEST_F(StartServerTest, AFailedCallbackClosesTheConnectionEvenIfItsWriterLives) {
  std::optional<StreamWriter> kept;
  loop_.run([&]() -> Coro<> {
    auto fail = [&](StreamReader, StreamWriter writer) -> Coro<> {
      kept = std::move(writer);
      throw std::runtime_error("oops");
      co_return;
    };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    const Peer peer = Peer::connect(address_of(server));
    EXPECT_EQ(co_await peer.recv_all(), "");
    EXPECT_TRUE(kept->is_closing());
    kept.reset();
  });
}

TEST_F(StartServerTest, ACancelledCallbackClosesTheConnectionSilently) {
  std::optional<StreamWriter> kept;
  loop_.run([&]() -> Coro<> {
    std::optional<AnyTask> serving;
    auto wait = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      serving = current_task();
      kept = std::move(writer);
      co_await reader.read();
    };
    const Server server = co_await start_server(wait, "127.0.0.1", 0);
    const Peer peer = Peer::connect(address_of(server));
    co_await until([&] { return serving.has_value(); });
    serving->cancel();
    EXPECT_EQ(co_await peer.recv_all(), "");
    EXPECT_TRUE(kept->is_closing());
    kept.reset();
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(StartServerTest, AFatalErrorInTheCallbackLeavesTheLoop) {
  std::optional<Server> server;
  loop_.run([&]() -> Coro<> {
    auto leave = [](StreamReader, StreamWriter) { throw SystemExit(3); };
    server = co_await start_server(leave, "127.0.0.1", 0);
  });
  const Peer peer = Peer::connect(address_of(*server));
  EXPECT_THROW(loop_.run_forever(), SystemExit);
}

TEST_F(StartServerTest, HandlersRunInACopyOfTheContextInWhichTheServerWasMade) {
  static const ContextVar<std::string> label("label");
  loop_.run([&]() -> Coro<> {
    auto serve = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      while (auto line = co_await reader.next()) {
        writer.write(label.get() + "\n");
        label.set(*line);
      }
    };
    label.set("maker's");
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    label.set("later");
    const Peer first = Peer::connect(address_of(server));
    first.send("first's");
    first.send("\n");
    EXPECT_EQ(co_await first.recv(), "maker's\n");
    const Peer second = Peer::connect(address_of(server));
    second.send("second's\n");
    EXPECT_EQ(co_await second.recv(), "maker's\n");
    first.send("\n");
    EXPECT_EQ(co_await first.recv(), "first's\n\n");
    EXPECT_EQ(label.get(), "later");
  });
}

TEST_F(StartServerTest, AFailureDoesNotDisturbOtherClients) {
  loop_.run([&]() -> Coro<> {
    auto serve = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      while (auto line = co_await reader.next()) {
        if (*line == "fail\n") throw std::runtime_error("oops");
        writer.write(*line);
      }
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    const Peer good = Peer::connect(address_of(server));
    const Peer bad = Peer::connect(address_of(server));
    const Peer gone = Peer::connect(address_of(server));
    bad.send("fail\n");
    EXPECT_EQ(co_await bad.recv_all(), "");
    good.send("still here\n");
    EXPECT_EQ(co_await good.recv(), "still here\n");
  });
}

TEST_F(StartServerTest, AResetByTheClientIsTheCallbacksExceptionLikeAnyOther) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    Peer peer = Peer::connect(address_of(server));
    peer.send("x");
    EXPECT_EQ(co_await peer.recv(), "x");
    peer.reset();
    co_await until([&] { return !loop_.reports().empty(); });
  });
  EXPECT_EQ(loop_.reports(),
            std::vector<std::string>{"Unhandled exception in client_connected_cb: recv: "
                                     "Connection reset by peer"});
}

// Options.

TEST_F(StartServerTest, TheLimitIsTheOneAskedFor) {
  loop_.run([&]() -> Coro<> {
    auto count = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      std::string answer = "no";
      try {
        co_await reader.readline();
      } catch (const std::invalid_argument&) {
        answer = "too long";
      }
      writer.write(answer);
    };
    const StreamServerOptions options{.limit = 5};
    const Server server = co_await start_server(count, "127.0.0.1", 0, options);
    const Peer fits = Peer::connect(address_of(server));
    const Peer too_long = Peer::connect(address_of(server));
    fits.send("12345\n");
    too_long.send("123456\n");
    EXPECT_EQ(co_await fits.recv(), "no");
    EXPECT_EQ(co_await too_long.recv(), "too long");
  });
}

TEST_F(StartServerTest, ALimitOfZeroIsRefusedAtOnce) {
  loop_.run([&]() -> Coro<> {
    const StreamServerOptions options{.limit = 0};
    const std::exception_ptr error = co_await failure_of([&]() -> Coro<> {
      const Server never = co_await start_server(echo, "127.0.0.1", 0, options);
    });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "Limit cannot be <= 0");
  });
}

TEST_F(StartServerTest, OptionsReachTheServer) {
  loop_.run([&]() -> Coro<> {
    const StreamServerOptions options{
        .family = AF_INET6, .reuse_address = false, .reuse_port = true, .start_serving = false};
    const Server server = co_await start_server(echo, "", 0, options);
    EXPECT_FALSE(server.is_serving());
    EXPECT_EQ(server.sockets().size(), 1u);
    const TransportSocket socket = server.sockets()[0];
    EXPECT_EQ(socket.getsockname().family(), AF_INET6);
    EXPECT_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
    EXPECT_NE(socket.getsockopt(SOL_SOCKET, SO_REUSEPORT), 0);
  });
}

TEST_F(StartServerTest, LimitsReachTheServer) {
  loop_.run([&]() -> Coro<> {
    const StreamServerOptions options{.limits = {.connections = 1}};
    const Server server = co_await start_server(echo, "127.0.0.1", 0, options);
    const Peer first = Peer::connect(address_of(server));
    first.send("x");
    EXPECT_EQ(co_await first.recv(), "x");
    const Peer second = Peer::connect(address_of(server));
    EXPECT_EQ(co_await second.recv(), "");
    EXPECT_EQ(server.refused(), 1u);
  });
}

TEST_F(StartServerTest, AReadOfASilentClientFailsWhenTheServerIsTiredOfIt) {
  std::exception_ptr error;
  loop_.run([&]() -> Coro<> {
    auto serve = [&](StreamReader reader, [[maybe_unused]] StreamWriter writer) -> Coro<> {
      error = co_await failure_of([&]() -> Coro<> { co_await reader.readline(); });
    };
    const StreamServerOptions options{.limits = {.first_byte_timeout = 40ms}};
    const Server server = co_await start_server(serve, "127.0.0.1", 0, options);
    const Peer mute = Peer::connect(address_of(server));
    EXPECT_EQ(co_await mute.recv(), "");
  });
  EXPECT_TRUE(holds<TimeoutError>(error)) << "it must not be taken for the end of the stream";
}

TEST_F(StartServerTest, ServesSeveralHosts) {
  loop_.run([&]() -> Coro<> {
    const std::array<std::string_view, 2> hosts = {"127.0.0.1", "::1"};
    const Server server = co_await start_server(echo, hosts, 0);
    EXPECT_EQ(server.sockets().size(), 2u);
    for (const TransportSocket& socket : server.sockets()) {
      const Peer peer = Peer::connect(socket.getsockname());
      peer.send("hello");
      EXPECT_EQ(co_await peer.recv(), "hello");
    }
  });
}

TEST_F(StartServerTest, ServesASocketThatIsBound) {
  loop_.run([&]() -> Coro<> {
    Socket socket = Socket::open(AF_INET, SOCK_STREAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    const Server server = co_await start_server(echo, std::move(socket));
    const Peer peer = Peer::connect(address_of(server));
    peer.send("hello");
    EXPECT_EQ(co_await peer.recv(), "hello");
  });
}

// Unix sockets.

TEST_F(StartServerTest, ServesAUnixSocketFromStartServingToTheEndThatAClientAsksFor) {
  const TemporaryFolder folder;
  const std::string path = folder.path_of("socket");
  loop_.run([&]() -> Coro<> {
    std::optional<Task<void>> serving;
    auto serve = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      const std::string line = co_await reader.readline();
      writer.write("bye, " + line);
      serving->cancel();
    };
    const StreamUnixServerOptions not_yet{.start_serving = false, .mode = 0600};
    const Server server = co_await start_unix_server(serve, path, not_yet);
    EXPECT_FALSE(server.is_serving());
    serving = create_task(server.serve_forever());
    co_await turns(2);
    EXPECT_TRUE(server.is_serving());
    const Peer peer = Peer::connect(SocketAddress::from_path(path));
    peer.send("client\n");
    EXPECT_EQ(co_await peer.recv_all(), "bye, client\n");
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(*serving)));
    EXPECT_TRUE(server.sockets().empty());
    EXPECT_FALSE(std::filesystem::exists(path));
  });
}

TEST_F(StartServerTest, ServesAUnixSocketThatIsBound) {
  const TemporaryFolder folder;
  const std::string path = folder.path_of("socket");
  loop_.run([&]() -> Coro<> {
    Socket socket = Socket::open(AF_UNIX, SOCK_STREAM);
    socket.bind(SocketAddress::from_path(path));
    const StreamUnixServerOptions keep{.cleanup_socket = false};
    const Server server = co_await start_unix_server(echo, std::move(socket), keep);
    const Peer peer = Peer::connect(SocketAddress::from_path(path));
    peer.send("hello");
    EXPECT_EQ(co_await peer.recv(), "hello");
    server.close();
    EXPECT_TRUE(std::filesystem::exists(path));
  });
}

TEST_F(StartServerTest, APortInUseIsAnErrorThatNamesTheAddress) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_of([&]() -> Coro<> {
      const Server never = co_await start_server(echo, "127.0.0.1", listener.port());
    });
    EXPECT_EQ(text_of(error), "error while attempting to bind on address " +
                                  listener.address().to_string() + ": Address already in use");
  });
}

// The end.

TEST_F(StartServerTest, CloseClientsEndsTheHandlersThatRead) {
  int ended = 0;
  loop_.run([&]() -> Coro<> {
    auto serve = [&](StreamReader reader, [[maybe_unused]] StreamWriter writer) -> Coro<> {
      EXPECT_EQ(co_await reader.read(), "");
      ++ended;
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    std::vector<Peer> peers;
    for (int i = 0; i < 5; ++i) peers.push_back(Peer::connect(address_of(server)));
    co_await turns(10);
    server.close();
    server.close_clients();
    co_await server.wait_closed();
    co_await until([&] { return ended == 5; });
  });
}

TEST_F(StartServerTest, ServeForeverEndsFromTheHandlerEvenWithASilentClient) {
  loop_.run([&]() -> Coro<> {
    std::optional<Task<void>> serving;
    auto serve = [&](StreamReader reader, [[maybe_unused]] StreamWriter writer) -> Coro<> {
      if (co_await reader.readline() == "stop\n") serving->cancel();
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    serving = create_task(server.serve_forever());
    const Peer silent = Peer::connect(address_of(server));
    const Peer loud = Peer::connect(address_of(server));
    loud.send("stop\n");
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(*serving)));
    EXPECT_EQ(co_await silent.recv(), "");
    EXPECT_TRUE(server.sockets().empty());
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(StartServerTest, ShutdownWaitsForHandlersThatEndInTimeAndAbortsTheOthers) {
  loop_.run([&]() -> Coro<> {
    auto serve = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      const std::string line = co_await reader.readline();
      writer.write("answer to " + line);
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    const Peer busy = Peer::connect(address_of(server));
    const Peer mute = Peer::connect(address_of(server));
    co_await turns(5);
    auto ending = create_task(server.shutdown(100ms));
    co_await turns(5);
    busy.send("question\n");
    EXPECT_EQ(co_await busy.recv_all(), "answer to question\n");
    const ShutdownCounts counts = co_await ending;
    EXPECT_EQ(counts, (ShutdownCounts{.finished = 1, .aborted = 1}));
  });
}

TEST_F(StartServerTest, ALoopThatClosesInTheMiddleLeavesNothingBehind) {
  const OpenDescriptors before;
  {
    std::optional<Peer> peer;
    WatchedLoop loop;
    std::optional<Server> server;
    loop.run([&]() -> Coro<> {
      server = co_await start_server(echo, "127.0.0.1", 0);
      peer.emplace(Peer::connect(address_of(*server)));
      peer->send("x");
      EXPECT_EQ(co_await peer->recv(), "x");
    });
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

// Many.

TEST_F(StartServerTest, PythonClientsGetBackWhatTheySend) {
  std::optional<PythonPeer> clients;
  loop_.run([&]() -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    clients.emplace(R"(
import os, socket, sys, threading
failures = []
def client():
    sent = os.urandom(200000)
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        sender = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(1)))
        sender.start()
        got = b""
        while block := connection.recv(7000):
            got += block
        sender.join()
    if got != sent:
        failures.append(len(got))
threads = [threading.Thread(target=client) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(1 if failures else 0)
)",
                    std::to_string(address_of(server).port()));
    co_await until([&] { return clients->has_ended(); });
  });
  EXPECT_EQ(clients->wait(), 0);
  EXPECT_TRUE(loop_.reports().empty());
}

// Sends `size` bytes in pieces of any size, reads them back in others, and says whether they are
// the same.
Coro<bool> exchange(SocketAddress server, std::uint32_t seed, std::size_t size) {
  const auto [reader, writer] = co_await open_connection(server.host(), server.port());
  const std::string sent = noise(size, seed);
  auto send = [&sent, &to = writer, seed]() -> Coro<> {
    std::mt19937 random(seed);
    for (std::size_t done = 0; done < sent.size();) {
      const std::size_t some = std::min<std::size_t>(1 + random() % 20'000, sent.size() - done);
      to.write(std::string_view(sent).substr(done, some));
      done += some;
      co_await to.drain();
    }
    to.write_eof();
  };
  auto sending = create_task(send);
  std::mt19937 random(seed + 1);
  std::string got;
  while (true) {
    const std::string some = co_await reader.read(1 + random() % 30'000);
    if (some.empty()) break;
    got += some;
  }
  co_await sending;
  writer.close();
  co_await writer.wait_closed();
  co_return got == sent;
}

TEST_F(StartServerTest, TwoHundredClientsAtOnceGetBackWhatTheySend) {
  constexpr std::uint32_t kClients = 200;
  constexpr std::size_t kSize = 256 * 1024;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    std::vector<Task<bool>> clients;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      clients.push_back(create_task(exchange(address_of(server), i, kSize)));
    }
    std::uint32_t equal = 0;
    for (const Task<bool>& client : clients) {
      if (co_await client) ++equal;
    }
    EXPECT_EQ(equal, kClients);
    server.close();
    co_await server.wait_closed();
  });
  EXPECT_TRUE(loop_.reports().empty());
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace asyncio
