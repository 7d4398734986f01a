#include "asyncio/streams/open_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/streams/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/transports/socket.h"
#include "asyncio/utils/exception_group.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/python_peer.h"
#include "transports/test/stuck_listener.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

class OpenConnectionTest : public ::testing::Test {
 protected:
  Coro<std::exception_ptr> failure_to_connect(
      std::string host, std::uint16_t port,
      StreamConnectionOptions options = StreamConnectionOptions()) {
    try {
      co_await open_connection(host, port, options);
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  WatchedLoop loop_;
};

TEST_F(OpenConnectionTest, GivesAReaderAndAWriter) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [reader, writer] = co_await open_connection("127.0.0.1", listener.port());
    EXPECT_EQ(writer.peername(), listener.address());
    EXPECT_FALSE(writer.is_closing());
    Peer peer = listener.accept_now();
    peer.send("a line\nand the rest");
    writer.write("question\n");
    EXPECT_EQ(co_await reader.readline(), "a line\n");
    EXPECT_EQ(co_await peer.recv(), "question\n");
    peer.close();
    EXPECT_EQ(co_await reader.read(), "and the rest");
    EXPECT_TRUE(reader.at_eof());
    writer.close();
    co_await writer.wait_closed();
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(OpenConnectionTest, BothFamiliesAndANameWork) {
  const Listener v4("127.0.0.1");
  const Listener v6("::1");
  loop_.run([&]() -> Coro<> {
    const auto [r4, w4] = co_await open_connection("127.0.0.1", v4.port());
    const auto [r6, w6] = co_await open_connection("::1", v6.port());
    const auto [rn, wn] = co_await open_connection("localhost", v4.port(),
                                                   StreamConnectionOptions{.family = AF_INET});
    EXPECT_EQ(w4.peername(), v4.address());
    EXPECT_EQ(w6.peername(), v6.address());
    EXPECT_EQ(wn.peername(), v4.address());
  });
}

TEST_F(OpenConnectionTest, TheHostMayBeATemporaryAlsoForATask) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    auto connecting = create_task(open_connection(std::string("127.0.") + "0.1", listener.port()));
    const auto [reader, writer] = co_await connecting;
    EXPECT_EQ(writer.peername(), listener.address());
  });
}

TEST_F(OpenConnectionTest, ARefusedConnectionIsAConnectionRefusedErrorAndLeavesNothingOpen) {
  const OpenDescriptors before;
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_to_connect("127.0.0.1", port);
    EXPECT_TRUE(holds<ConnectionRefusedError>(error));
    EXPECT_EQ(text_of(error),
              "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(OpenConnectionTest, HostsThatNoResolverShouldSeeAreRefused) {
  using namespace std::string_literals;
  loop_.run([&]() -> Coro<> {
    for (const std::size_t size : {254u, 255u, 256u, 257u, 4096u}) {
      EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(std::string(size, 'x'), 80)));
    }
    const Listener listener;
    EXPECT_TRUE(
        holds<ResolveError>(co_await failure_to_connect("127.0.0.1\0.evil"s, listener.port())));
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect("127.0.0.1\0"s, listener.port())));
    EXPECT_FALSE(is_readable(listener.fileno())) << "somebody has connected";
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect("no-such-host.invalid", 80)));
  });
}

TEST_F(OpenConnectionTest, TheOptionsAreThoseOfAConnection) {
  const Listener listener;
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    const StreamConnectionOptions from{.local_addr = LocalAddress{"127.0.0.2", 0}};
    const auto [reader, writer] = co_await open_connection("127.0.0.1", listener.port(), from);
    EXPECT_EQ(writer.transport()->sockname().host(), "127.0.0.2");

    const StreamConnectionOptions race{
        .happy_eyeballs_delay = std::chrono::hours(1), .interleave = 2, .all_errors = true};
    EXPECT_TRUE(holds<ExceptionGroup>(co_await failure_to_connect("", port, race)));
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(
        "127.0.0.1", port, StreamConnectionOptions{.proto = IPPROTO_UDP})));
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(
        "localhost", port, StreamConnectionOptions{.flags = AI_NUMERICHOST})));
  });
}

TEST_F(OpenConnectionTest, APreparedSocketIsTakenOver) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    const auto [reader, writer] = co_await open_connection(std::move(ends.ours), 5);
    ends.peer.send("12345\n123456\n");
    EXPECT_EQ(co_await reader.readline(), "12345\n");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await reader.readuntil("\n"); });
    EXPECT_TRUE(holds<LimitOverrunError>(error));
  });
}

TEST_F(OpenConnectionTest, OpensAUnixConnectionByItsPathOrSocket) {
  const std::string path = testing::TempDir() + "/open";
  ::unlink(path.c_str());
  const Socket listener = Socket::open(AF_UNIX, SOCK_STREAM);
  listener.bind(SocketAddress::from_path(path));
  listener.listen(1);
  loop_.run([&]() -> Coro<> {
    const auto [reader, writer] = co_await open_unix_connection(path);
    EXPECT_EQ(writer.peername().path(), path);
    std::optional<Socket> accepted = listener.accept();
    const auto [reader2, writer2] = co_await open_unix_connection(*std::move(accepted));
    writer2.write("hello\n");
    EXPECT_EQ(co_await reader.readline(), "hello\n");
  });
}

TEST_F(OpenConnectionTest, ALimitOfZeroIsRefusedAndLeavesNothingOpen) {
  const Listener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_to_connect(
        "127.0.0.1", listener.port(), StreamConnectionOptions{.limit = 0});
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "Limit cannot be <= 0");
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(OpenConnectionTest, TheLimitIsTheOneAskedFor) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [reader, writer] =
        co_await open_connection("127.0.0.1", listener.port(), StreamConnectionOptions{.limit = 5});
    const Peer peer = listener.accept_now();
    peer.send("12345\n123456\n");
    EXPECT_EQ(co_await reader.readline(), "12345\n");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await reader.readuntil("\n"); });
    EXPECT_TRUE(holds<LimitOverrunError>(error));
  });
}

TEST_F(OpenConnectionTest, ItsSocketIsNotInherited) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [reader, writer] = co_await open_connection("127.0.0.1", listener.port());
    EXPECT_NE(::fcntl(writer.transport()->fileno(), F_GETFD) & FD_CLOEXEC, 0);
  });
}

TEST_F(OpenConnectionTest, CancelledWhileConnectingItLeavesNothingOpen) {
  const StuckListener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto connecting = create_task(open_connection("127.0.0.1", listener.port()));
    co_await turns(5);
    connecting.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(connecting)));
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
  });
}

TEST_F(OpenConnectionTest, CancelledInAnyTurnItLeavesNothingOpen) {
  const Listener listener;
  bool succeeded = false;
  for (int turn = 0; !succeeded; ++turn) {
    const OpenDescriptors before;
    loop_.run([&]() -> Coro<> {
      auto connecting = create_task(open_connection("127.0.0.1", listener.port()));
      co_await turns(turn);
      connecting.cancel();
      succeeded = !holds<CancelledError>(co_await error_of(connecting));
      co_await turns(3);
    });
    if (succeeded) break;
    while (is_readable(listener.fileno())) listener.accept_now();
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty())
        << "cancelled after " << turn << " turns";
    ASSERT_LT(turn, 100);
  }
}

TEST_F(OpenConnectionTest, AReaderAloneKeepsNothingOpen) {
  const Listener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto connected = co_await open_connection("127.0.0.1", listener.port());
    const StreamReader reader = std::move(connected.first);
    {
      const StreamWriter writer = std::move(connected.second);
    }
    EXPECT_EQ(co_await reader.read(), "");
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty())
        << "the listener's end has not been accepted";
  });
}

TEST_F(OpenConnectionTest, APythonServerGetsAndGivesBackAMebibyteUnchanged) {
  PythonPeer server(R"(
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
data = b""
while block := connection.recv(10000):
    data += block
connection.sendall(data)
)");
  const std::string sent = noise(1 << 20);
  loop_.run([&]() -> Coro<> {
    const auto port = static_cast<std::uint16_t>(std::stoi(server.read_line()));
    const auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write(sent);
    co_await writer.drain();
    writer.write_eof();
    EXPECT_TRUE(co_await reader.read() == sent);
  });
  EXPECT_EQ(server.wait(), 0);
}

}  // namespace
}  // namespace asyncio
