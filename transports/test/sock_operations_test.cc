#include "asyncio/transports/sock_operations.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/stuck_listener.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

Ends tcp_ends() { return connected_ends(); }

Ends unix_ends() {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Socket(FileDescriptor(ends[0])), Peer(FileDescriptor(ends[1]))};
}

Socket bound(int type) {
  Socket socket = Socket::open(AF_INET, type);
  socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
  return socket;
}

Socket listening() {
  Socket socket = bound(SOCK_STREAM);
  socket.listen(10);
  return socket;
}

// Sends until the kernel takes no more; how much that was.
std::size_t fill(const Socket& socket) {
  std::size_t filled = 0;
  while (const std::optional<std::size_t> some = socket.send(noise(4096))) filled += *some;
  return filled;
}

class SockTest : public ::testing::Test {
 protected:
  // How many turns of the loop begin while `action` runs.
  template <class F>
  Coro<int> turns_of(F action) {
    const int before = loop_.turns();
    co_await action();
    co_return loop_.turns() - before;
  }

  bool watches_for_reading(const Socket& socket) { return loop_.remove_reader(socket.fileno()); }
  bool watches_for_writing(const Socket& socket) { return loop_.remove_writer(socket.fileno()); }

  WatchedLoop loop_;
};

// Receiving.

TEST_F(SockTest, WhatIsThereIsReceivedWithoutATurn) {
  Ends ends = connected_ends();
  std::array<char, 3> buffer{};
  ends.peer.send("hello");
  ends.peer.shutdown_write();
  loop_.run([&]() -> Coro<> {
    const int turns = co_await turns_of([&]() -> Coro<> {
      EXPECT_EQ(co_await sock_recv(ends.ours, 2), "he");
      EXPECT_EQ(co_await sock_recv_into(ends.ours, buffer), 3u);
      EXPECT_EQ(co_await sock_recv(ends.ours, 100), "") << "the end of the stream";
      EXPECT_EQ(co_await sock_recv_into(ends.ours, buffer), 0u);
    });
    EXPECT_EQ(turns, 0);
  });
  EXPECT_EQ(std::string(buffer.data(), 3), "llo");
}

TEST_F(SockTest, WhatComesLaterIsWaitedFor) {
  for (Ends (*make)() : {tcp_ends, unix_ends}) {
    Ends ends = make();
    loop_.run([&]() -> Coro<> {
      auto receiving = create_task(sock_recv, std::ref(ends.ours), 100);
      co_await turns(3);
      EXPECT_FALSE(receiving.done());
      ends.peer.send("hello");
      EXPECT_EQ(co_await receiving, "hello");
      EXPECT_FALSE(watches_for_reading(ends.ours));

      std::array<char, 100> buffer{};
      const auto receive_into = [&]() -> Coro<std::size_t> {
        co_return co_await sock_recv_into(ends.ours, buffer);
      };
      auto into = create_task(receive_into);
      co_await turns(3);
      EXPECT_FALSE(into.done());
      ends.peer.send("again");
      EXPECT_EQ(co_await into, 5u);
      EXPECT_EQ(std::string(buffer.data(), 5), "again");
    });
  }
}

TEST_F(SockTest, AResetIsThrownAlsoToWhomeverWaits) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    auto receiving = create_task(sock_recv, std::ref(ends.ours), 100);
    co_await turns(2);
    ends.peer.reset();
    EXPECT_TRUE(holds<ConnectionResetError>(co_await error_of(receiving)));
    EXPECT_FALSE(watches_for_reading(ends.ours));
  });
}

TEST_F(SockTest, AskingForMoreThanTheLargestSizeTakesNoMemory) {
  Ends ends = connected_ends();
  ends.peer.send("x");
  loop_.run([&]() -> Coro<> {
    constexpr std::size_t kHuge = static_cast<std::size_t>(-1);
    EXPECT_EQ(co_await sock_recv(ends.ours, kHuge), "x");
  });
}

TEST_F(SockTest, CancelledAndMadeAgainAtOnceItReceives) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    auto first = create_task(sock_recv, std::ref(ends.ours), 100);
    co_await turns(2);
    first.cancel();
    // The first has not left yet when the second comes.
    std::array<char, 100> buffer{};
    const auto again = [&]() -> Coro<> {
      EXPECT_EQ(co_await sock_recv_into(ends.ours, buffer), 5u);
    };
    auto second = create_task(again);
    co_await turns(3);
    EXPECT_TRUE(first.cancelled());
    ends.peer.send("hello");
    co_await second;
    EXPECT_FALSE(watches_for_reading(ends.ours));
  });
}

// One of the turns is that in which it has been woken and has not run yet.
TEST_F(SockTest, InWhicheverTurnItIsCancelledTheDataGoToItOrToTheNext) {
  for (int moment = 0; moment < 5; ++moment) {
    Ends ends = connected_ends();
    loop_.run([&]() -> Coro<> {
      auto first = create_task(sock_recv, std::ref(ends.ours), 100);
      co_await turns(2);
      ends.peer.send("hello");
      co_await turns(moment);
      first.cancel();
      co_await turns(2);
      EXPECT_TRUE(first.done());
      if (first.cancelled()) {
        EXPECT_EQ(co_await sock_recv(ends.ours, 100), "hello");
      } else {
        EXPECT_EQ(co_await first, "hello");
      }
      EXPECT_FALSE(watches_for_reading(ends.ours));
    });
  }
}

TEST_F(SockTest, WhoComesLaterTakesThePlaceAndTheEarlierOneLeavesItAlone) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    auto earlier = create_task(sock_recv, std::ref(ends.ours), 100);
    co_await turns(2);
    auto later = create_task(sock_recv, std::ref(ends.ours), 100);
    co_await turns(2);
    earlier.cancel();
    co_await turns(2);
    EXPECT_TRUE(earlier.cancelled());
    ends.peer.send("hello");
    EXPECT_EQ(co_await later, "hello");
  });
}

TEST_F(SockTest, ReceivingAndSendingDoNotDisturbEachOther) {
  Ends ends = connected_ends(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::size_t before = fill(ends.ours);
    const std::string data = noise(50'000);
    auto receiving = create_task(sock_recv, std::ref(ends.ours), 100);
    auto sending = create_task(sock_sendall, std::ref(ends.ours), data);
    co_await turns(3);
    receiving.cancel();
    co_await turns(2);
    const std::string received = co_await ends.peer.recv_all(before + data.size());
    EXPECT_TRUE(received.ends_with(data));
    co_await sending;
  });
}

TEST_F(SockTest, ALargeStreamIsEchoedWhole) {
  for (const bool into : {false, true}) {
    Ends ends = unix_ends();
    Socket other(FileDescriptor(check(::dup(ends.peer.fileno()), "dup")));
    const std::string data = noise(3 << 20);
    std::string received;
    const auto echo = [&]() -> Coro<> {
      while (true) {
        const std::string some = co_await sock_recv(other, 65'536);
        if (some.empty()) break;
        co_await sock_sendall(other, some);
      }
    };
    loop_.run([&]() -> Coro<> {
      auto echoing = create_task(echo);
      auto sending = create_task(sock_sendall, std::ref(ends.ours), data);
      std::string buffer(100'000, ' ');
      while (received.size() < data.size()) {
        if (into) {
          const std::size_t some = co_await sock_recv_into(ends.ours, buffer);
          received.append(buffer, 0, some);
        } else {
          received += co_await sock_recv(ends.ours, 100'000);
        }
      }
      co_await sending;
      ends.ours.shutdown_write();
      co_await echoing;
    });
    EXPECT_TRUE(received == data);
  }
}

// Sending.

TEST_F(SockTest, WhatTheKernelTakesIsSentWithoutATurn) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    const int turns = co_await turns_of([&]() -> Coro<> {
      co_await sock_sendall(ends.ours, "hello");
      co_await sock_sendall(ends.ours, "");
    });
    EXPECT_EQ(turns, 0);
    EXPECT_EQ(ends.peer.recv_now(), "hello");
  });
}

TEST_F(SockTest, SendallReturnsWhenTheKernelHasTakenAll) {
  Ends ends = connected_ends(kNarrow);
  const std::string data = noise(1 << 20);
  loop_.run([&]() -> Coro<> {
    auto sending = create_task(sock_sendall, std::ref(ends.ours), data);
    co_await turns(3);
    EXPECT_FALSE(sending.done());
    EXPECT_TRUE(co_await ends.peer.recv_all(data.size()) == data);
    co_await sending;
    EXPECT_FALSE(watches_for_writing(ends.ours));
  });
}

TEST_F(SockTest, SendallCancelledAndMadeAgainAtOnceSends) {
  Ends ends = connected_ends(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::size_t before = fill(ends.ours);
    auto first = create_task(sock_sendall, std::ref(ends.ours), std::string("never"));
    co_await turns(2);
    first.cancel();
    auto second = create_task(sock_sendall, std::ref(ends.ours), std::string("the end"));
    co_await turns(3);
    EXPECT_TRUE(first.cancelled());
    const std::string received = co_await ends.peer.recv_all(before + 7);
    EXPECT_TRUE(received.ends_with("the end"));
    co_await second;
    EXPECT_FALSE(watches_for_writing(ends.ours));
  });
}

TEST_F(SockTest, SendallToAPeerThatGoesThrows) {
  Ends ends = connected_ends(kNarrow);
  loop_.run([&]() -> Coro<> {
    auto sending = create_task(sock_sendall, std::ref(ends.ours), noise(1 << 20));
    co_await turns(3);
    ends.peer.reset();
    EXPECT_TRUE(holds<ConnectionError>(co_await error_of(sending)));
  });
}

// Datagrams.

TEST_F(SockTest, DatagramsComeWithTheirSenders) {
  Socket a = bound(SOCK_DGRAM);
  Socket b = bound(SOCK_DGRAM);
  loop_.run([&]() -> Coro<> {
    auto receiving = create_task(sock_recvfrom, std::ref(b), 4096);
    co_await turns(2);
    EXPECT_EQ(co_await sock_sendto(a, "first", b.getsockname()), 5u);
    const auto [data, sender] = co_await receiving;
    EXPECT_EQ(data, "first");
    EXPECT_EQ(sender, a.getsockname());

    std::array<char, 16> buffer{};
    const auto receive_into = [&]() -> Coro<> {
      const auto [size, other] = co_await sock_recvfrom_into(a, buffer);
      EXPECT_EQ(std::string(buffer.data(), size), "second");
      EXPECT_EQ(other, b.getsockname());
    };
    auto into = create_task(receive_into);
    co_await turns(2);
    EXPECT_EQ(co_await sock_sendto(b, "second", a.getsockname()), 6u);
    co_await into;
  });
}

TEST_F(SockTest, RecvfromIntoTakesNoMoreThanItIsAskedFor) {
  Socket a = bound(SOCK_DGRAM);
  Socket b = bound(SOCK_DGRAM);
  loop_.run([&]() -> Coro<> {
    std::array<char, 16> buffer{};
    co_await sock_sendto(a, "datagram", b.getsockname());
    const auto [size, sender] = co_await sock_recvfrom_into(b, buffer, 4);
    EXPECT_EQ(size, 4u);
    EXPECT_EQ(std::string(buffer.data()), "data");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await sock_recvfrom_into(b, buffer, 17); });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "nbytes is greater than the length of the buffer");
  });
}

TEST_F(SockTest, ADatagramTheKernelDoesNotTakeYetIsSentLater) {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  Socket ours{FileDescriptor(ends[0])};
  Socket theirs{FileDescriptor(ends[1])};
  loop_.run([&]() -> Coro<> {
    std::size_t count = 0;
    while (ours.send("datagram").has_value()) ++count;
    auto sending = create_task(sock_sendto, std::ref(ours), std::string("last"), SocketAddress());
    co_await turns(3);
    EXPECT_FALSE(sending.done());
    for (; count > 0; --count) EXPECT_EQ(co_await sock_recv(theirs, 100), "datagram");
    EXPECT_EQ(co_await sending, 4u);
    const auto [data, sender] = co_await sock_recvfrom(theirs, 100);
    EXPECT_EQ(data, "last");
    EXPECT_EQ(sender.path(), "") << "the sender has no name";
  });
}

// Accepting.

TEST_F(SockTest, AcceptingGivesANonBlockingConnectionAndItsPeer) {
  Socket listener = listening();
  loop_.run([&]() -> Coro<> {
    auto accepting = create_task(sock_accept, std::ref(listener));
    co_await turns(3);
    EXPECT_FALSE(accepting.done());
    const Peer client = Peer::connect(listener.getsockname());
    const ConnectedSocket accepted = co_await std::move(accepting);
    EXPECT_EQ(accepted.socket.getsockname(), listener.getsockname());
    EXPECT_EQ(accepted.peer, accepted.socket.getpeername());
    EXPECT_NE(::fcntl(accepted.socket.fileno(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_FALSE(watches_for_reading(listener));
  });
}

TEST_F(SockTest, ACancelledAcceptLeavesTheConnectionToTheNext) {
  Socket listener = listening();
  loop_.run([&]() -> Coro<> {
    auto first = create_task(sock_accept, std::ref(listener));
    co_await turns(2);
    const Peer client = Peer::connect(listener.getsockname());
    first.cancel();
    ConnectedSocket accepted = co_await sock_accept(listener);
    co_await turns(1);
    EXPECT_TRUE(first.cancelled());
    client.send("hello");
    EXPECT_EQ(co_await sock_recv(accepted.socket, 100), "hello");
  });
}

TEST_F(SockTest, ACancelledAcceptLeavesNothingBehind) {
  const OpenDescriptors before;
  Socket listener = listening();
  loop_.run([&]() -> Coro<> {
    auto accepting = create_task(sock_accept, std::ref(listener));
    co_await turns(2);
    accepting.cancel();
    co_await turns(2);
    EXPECT_TRUE(accepting.cancelled());
    EXPECT_FALSE(watches_for_reading(listener));
  });
  listener.close();
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

// What is refused.

TEST_F(SockTest, ADescriptorOfATransportIsNotWaitedFor) {
  Ends ends = connected_ends();
  const auto transport =
      SocketTransport::start(loop_, std::move(ends.ours), std::make_shared<Recorder>(), nullptr);
  Socket socket;  // of the same number, which it must not close first
  loop_.run([&]() -> Coro<> {
    socket = Socket(FileDescriptor(transport->fileno()));
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await sock_recv(socket, 100); });
    EXPECT_TRUE(holds<std::runtime_error>(error));
    EXPECT_THAT(text_of(error), ::testing::HasSubstr("is used by a transport"));
    transport->abort();
    co_await until([&] { return transport->fileno() == -1; });
  });
}

TEST_F(SockTest, InDebugModeABlockingSocketIsRefusedByAll) {
  Socket socket = bound(SOCK_STREAM);
  check(::fcntl(socket.fileno(), F_SETFL, 0), "fcntl");
  std::array<char, 10> buffer{};
  const std::function<Coro<>()> operations[] = {
      [&]() -> Coro<> { co_await sock_recv(socket, 10); },
      [&]() -> Coro<> { co_await sock_recv_into(socket, buffer); },
      [&]() -> Coro<> { co_await sock_recvfrom(socket, 10); },
      [&]() -> Coro<> { co_await sock_recvfrom_into(socket, buffer); },
      [&]() -> Coro<> { co_await sock_sendall(socket, "x"); },
      [&]() -> Coro<> { co_await sock_sendto(socket, "x", socket.getsockname()); },
      [&]() -> Coro<> { co_await sock_connect(socket, socket.getsockname()); },
      [&]() -> Coro<> { co_await sock_accept(socket); },
  };
  loop_.set_debug(true);
  loop_.run([&]() -> Coro<> {
    for (const auto& operation : operations) {
      const std::exception_ptr error = co_await failure_of(operation);
      EXPECT_TRUE(holds<std::invalid_argument>(error));
      EXPECT_EQ(text_of(error), "the socket must be non-blocking");
    }
  });
}

TEST_F(SockTest, AClosedSocketIsAnOsError) {
  Socket closed;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await sock_recv(closed, 10); });
    EXPECT_TRUE(holds<OsError>(error));
  });
}

TEST_F(SockTest, ALoopThatIsClosedUnderAnOperationEndsIt) {
  Ends ends = connected_ends();
  auto loop = std::make_unique<WatchedLoop>();
  loop->run([&]() -> Coro<> {
    create_task(sock_recv, std::ref(ends.ours), 100).set_name("receiving");
    co_await turns(2);
  });
  loop->close();
  EXPECT_EQ(loop->reports().size(), 1u) << "a task was destroyed while it was pending";
}

// Connecting.

class SockConnectTest : public ::testing::Test {
 protected:
  WatchedLoop loop_;
};

TEST_F(SockConnectTest, TheConnectionStandsWhenItReturns) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const Listener listener(host);
    Socket socket = Socket::open(listener.address().family(), SOCK_STREAM);
    loop_.run([&]() -> Coro<> {
      co_await sock_connect(socket, listener.address());
      EXPECT_EQ(socket.getpeername(), listener.address());
      const Peer peer = listener.accept_now();
      peer.send("hello");
      EXPECT_EQ(co_await sock_recv(socket, 100), "hello");
    });
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
