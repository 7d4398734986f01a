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

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"

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
    EXPECT_THAT(before.opened_since(), ::testing::SizeIs(1));
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
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

TEST(SocketTest, APortInUseIsAnOsErrorWithItsNumberAndTheAddress) {
  const Listener listener;
  const Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  try {
    socket.bind(listener.address());
    FAIL();
  } catch (const OsError& error) {
    EXPECT_EQ(error.error_number(), EADDRINUSE);
    EXPECT_EQ(error.what(),
              "bind('" + listener.address().to_string() + "'): Address already in use");
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

class DatagramSocketTest : public ::testing::Test {
 protected:
  static Socket bound() {
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    return socket;
  }
};

TEST_F(DatagramSocketTest, ADatagramComesWithItsSenderAndIsCutOffWhereTheBufferEnds) {
  const Socket from = bound();
  const Socket to = bound();
  SocketAddress sender;
  std::array<char, 4> buffer{};
  EXPECT_EQ(to.recvfrom(buffer, sender), std::nullopt);
  EXPECT_EQ(from.sendto("datagram", to.getsockname()), 8u);
  block_until_readable(to.fileno());
  EXPECT_EQ(to.recvfrom(buffer, sender), 4u);
  EXPECT_EQ(std::string(buffer.data(), buffer.size()), "data");
  EXPECT_EQ(sender, from.getsockname());
}

TEST_F(DatagramSocketTest, AStreamHasNoSenders) {
  Ends ends = connected_ends();
  ends.peer.send("x");
  SocketAddress sender = SocketAddress::from_numeric("127.0.0.1", 1);
  std::array<char, 4> buffer{};
  block_until_readable(ends.ours.fileno());
  EXPECT_EQ(ends.ours.recvfrom(buffer, sender), 1u);
  EXPECT_EQ(sender, SocketAddress());
}

TEST_F(DatagramSocketTest, WhatIsTooLargeForADatagramIsAnOsError) {
  const Socket socket = bound();
  EXPECT_THROW(socket.sendto(std::string(70'000, 'x'), socket.getsockname()), OsError);
}

TEST_F(DatagramSocketTest, TheTypeIsKnown) {
  EXPECT_EQ(bound().type(), SOCK_DGRAM);
  EXPECT_EQ(Socket::open(AF_INET, SOCK_STREAM).type(), SOCK_STREAM);
}

}  // namespace
}  // namespace asyncio
