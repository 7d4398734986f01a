#include "asyncio/transports/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/stuck_listener.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

bool is_non_blocking(const Socket& socket) {
  return (check(::fcntl(socket.fileno(), F_GETFL), "fcntl") & O_NONBLOCK) != 0;
}

bool is_close_on_exec(const Socket& socket) {
  return (check(::fcntl(socket.fileno(), F_GETFD), "fcntl") & FD_CLOEXEC) != 0;
}

// What the socket receives, once there is something.
std::string recv_when_readable(const Socket& socket) {
  std::array<char, 100> buffer{};
  std::optional<std::size_t> size;
  while (!size.has_value()) size = socket.recv(buffer);
  return std::string(buffer.data(), *size);
}

TEST(SocketTest, ANewOneIsNonBlockingAndNotInherited) {
  const Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(socket.valid());
  EXPECT_TRUE(is_non_blocking(socket));
  EXPECT_TRUE(is_close_on_exec(socket));
}

TEST(SocketTest, AnAcceptedOneIsNonBlockingAndNotInherited) {
  const Socket listener = Socket::open(AF_INET, SOCK_STREAM);
  listener.bind(SocketAddress::from_numeric("127.0.0.1", 0));
  listener.listen(1);
  EXPECT_FALSE(listener.accept().has_value()) << "nobody is there";
  const Peer peer = Peer::connect(listener.getsockname());
  const std::optional<Socket> accepted = listener.accept();
  EXPECT_TRUE(accepted.has_value());
  EXPECT_TRUE(is_non_blocking(*accepted));
  EXPECT_TRUE(is_close_on_exec(*accepted));
  EXPECT_EQ(accepted->getsockname(), listener.getsockname());
}

TEST(SocketTest, OneThatIsTakenOverIsMadeNonBlocking) {
  FileDescriptor fd(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const int number = fd.get();
  const Socket socket(std::move(fd));
  EXPECT_EQ(socket.fileno(), number);
  EXPECT_TRUE(is_non_blocking(socket));
}

TEST(SocketTest, TheOwnerClosesIt) {
  const OpenDescriptors before;
  {
    Socket first = Socket::open(AF_INET, SOCK_STREAM);
    const Socket second = std::move(first);
    Socket third = Socket::open(AF_INET, SOCK_STREAM);
    third.close();
    third.close();
    EXPECT_FALSE(third.valid());
    EXPECT_THAT(before.opened_since(), testing::SizeIs(1));
  }
  EXPECT_THAT(before.opened_since(), testing::IsEmpty());
}

TEST(SocketTest, AFamilyThatDoesNotExistIsAnOsError) {
  EXPECT_THROW(Socket::open(-1, SOCK_STREAM), OsError);
}

TEST(SocketTest, ReceivingTellsNothingNowFromTheEnd) {
  Ends ends = connected_ends();
  std::array<char, 10> buffer{};
  EXPECT_EQ(ends.ours.recv(buffer), std::nullopt);
  ends.peer.send("hello");
  EXPECT_EQ(recv_when_readable(ends.ours), "hello");
  ends.peer.close();
  EXPECT_EQ(recv_when_readable(ends.ours), "");
}

TEST(SocketTest, ReceivingAfterAResetThrowsConnectionResetError) {
  Ends ends = connected_ends();
  ends.peer.reset();
  EXPECT_THROW(recv_when_readable(ends.ours), ConnectionResetError);
}

TEST(SocketTest, SendingGivesNothingWhenTheKernelTakesNoMore) {
  Ends ends = connected_ends({.send_buffer = 1, .peer_receive_buffer = 1});
  const std::string data(4096, 'x');
  std::size_t sent = 0;
  while (const std::optional<std::size_t> some = ends.ours.send(data)) sent += *some;
  EXPECT_GT(sent, 0u);
  std::size_t received = 0;
  while (received < sent) received += ends.peer.recv_now().size();
  EXPECT_EQ(received, sent);
}

TEST(SocketTest, SendingToNobodyThrowsAndRaisesNoSignal) {
  Ends ends = connected_ends();
  ends.ours.shutdown_write();
  EXPECT_THROW(ends.ours.send("x"), BrokenPipeError);
}

TEST(SocketTest, ShutdownWriteIsTheEndOfTheStreamForThePeerOnly) {
  Ends ends = connected_ends();
  EXPECT_EQ(ends.ours.send("last"), 4u);
  ends.ours.shutdown_write();
  EXPECT_EQ(ends.peer.recv_now(4), "last");
  EXPECT_EQ(ends.peer.recv_now(), "");
  ends.peer.send("answer");
  EXPECT_EQ(recv_when_readable(ends.ours), "answer");
}

TEST(SocketTest, APortInUseIsAnOsErrorWithItsNumber) {
  const Listener listener;
  const Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  try {
    socket.bind(listener.address());
    FAIL();
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), EADDRINUSE);
    EXPECT_STREQ(error.what(), "bind: Address already in use");
  }
}

TEST(SocketTest, OptionsAreReadBack) {
  const Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  EXPECT_EQ(socket.option(SOL_SOCKET, SO_REUSEADDR), 0);
  socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(socket.option(SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_THROW(socket.set_option(SOL_SOCKET, -1, 1), OsError);
  EXPECT_THROW(socket.option(SOL_SOCKET, -1), OsError);
}

TEST(SocketTest, WithoutAConnectionThereIsNoPeer) {
  const Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  EXPECT_EQ(socket.getpeername(), SocketAddress());
  EXPECT_EQ(socket.getsockname().port(), 0);
}

TEST(SocketTest, EveryCallOnAClosedOneThrowsOrGivesNoAddress) {
  const Socket closed;
  std::array<char, 10> buffer{};
  EXPECT_FALSE(closed.valid());
  EXPECT_EQ(closed.fileno(), -1);
  EXPECT_THROW(closed.recv(buffer), OsError);
  EXPECT_THROW(closed.send("x"), OsError);
  EXPECT_THROW(closed.accept(), OsError);
  EXPECT_THROW(closed.listen(1), OsError);
  EXPECT_THROW(closed.shutdown_write(), OsError);
  EXPECT_EQ(closed.getsockname(), SocketAddress());
  EXPECT_EQ(closed.getpeername(), SocketAddress());
}

class SockConnectTest : public testing::Test {
 protected:
  WatchedLoop loop_;
};

TEST_F(SockConnectTest, TheConnectionStandsWhenItReturns) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const Listener listener(host);
    Socket socket = Socket::open(listener.address().family(), SOCK_STREAM);
    loop_.run([&]() -> Coro<> { co_await sock_connect(socket, listener.address()); });
    EXPECT_EQ(socket.getpeername(), listener.address());
    const Peer peer = listener.accept_now();
    peer.send("hello");
    EXPECT_EQ(recv_when_readable(socket), "hello");
  }
}

TEST_F(SockConnectTest, ARefusedConnectionSaysByWhom) {
  const SocketAddress address = SocketAddress::from_numeric("127.0.0.1", unused_port());
  Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await sock_connect(socket, address); });
    EXPECT_TRUE(holds<ConnectionRefusedError>(error));
    EXPECT_EQ(text_of(error), "connect to " + address.to_string() + ": Connection refused");
  });
}

TEST_F(SockConnectTest, AnErrorAtOnceIsThrownToo) {
  Ends ends = connected_ends();
  Socket other_family = Socket::open(AF_INET6, SOCK_STREAM);
  loop_.run([&]() -> Coro<> {
    const SocketAddress address = SocketAddress::from_numeric("127.0.0.1", 1);
    const std::exception_ptr twice =
        co_await failure_of([&]() -> Coro<> { co_await sock_connect(ends.ours, address); });
    EXPECT_TRUE(holds<OsError>(twice));
    const std::exception_ptr family =
        co_await failure_of([&]() -> Coro<> { co_await sock_connect(other_family, address); });
    EXPECT_TRUE(holds<OsError>(family));
  });
}

TEST_F(SockConnectTest, CancelledItNoLongerWatchesTheSocket) {
  const StuckListener listener;
  Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  loop_.run([&]() -> Coro<> {
    auto connecting = create_task(sock_connect, std::ref(socket), listener.address());
    co_await turns(3);
    EXPECT_FALSE(connecting.done());
    connecting.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(connecting)));
    EXPECT_FALSE(loop_.remove_writer(socket.fileno()));
  });
}

TEST_F(SockConnectTest, CancelledAndMadeAgainAtOnceItConnects) {
  StuckListener listener;
  Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  loop_.run([&]() -> Coro<> {
    auto first = create_task(sock_connect, std::ref(socket), listener.address());
    co_await turns(2);
    first.cancel();
    listener.let_in();
    // The first has not left yet when the second comes.
    co_await sock_connect(socket, listener.address());
    EXPECT_TRUE(first.cancelled());
    EXPECT_EQ(socket.getpeername(), listener.address());
  });
}

}  // namespace
}  // namespace asyncio
