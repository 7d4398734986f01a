#include "transports/src/datagram_socket_transport.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <any>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/transport_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/datagram_recorder.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Socket udp_socket(std::string_view host = "127.0.0.1") {
  const SocketAddress address = SocketAddress::from_numeric(host, 0);
  Socket socket = Socket::open(address.family(), SOCK_DGRAM);
  socket.bind(address);
  return socket;
}

// Two ends of a pair of Unix sockets: one blocks when the other does not read, as UDP never does.
std::pair<Socket, Socket> unix_pair() {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  return {Socket(FileDescriptor(fds[0])), Socket(FileDescriptor(fds[1]))};
}

// An endpoint with a recorder.
struct End {
  End(EventLoop& loop, Socket socket, SocketAddress remote = SocketAddress())
      : recorder(std::make_shared<DatagramRecorder>()),
        transport(
            DatagramSocketTransport::start(loop, std::move(socket), std::move(remote), recorder)) {}

  SocketAddress address() const { return transport->sockname(); }

  std::shared_ptr<DatagramRecorder> recorder;
  std::shared_ptr<DatagramTransport> transport;
};

class DatagramSocketTransportTest : public ::testing::Test {
 protected:
  End udp(std::string_view host = "127.0.0.1") { return End(loop_, udp_socket(host)); }

  // Runs until `condition` holds, at least a turn.
  void run_until(const std::function<bool()>& condition) {
    loop_.run([&]() -> Coro<> {
      co_await turns(2);
      co_await until(condition);
    });
  }
  void run_until_lost(const End& end) {
    run_until([&] { return end.recorder->lost; });
  }

  // Sends until the kernel takes no more; returns how many it took, and one is queued then.
  static int fill(DatagramTransport& transport, std::string_view data) {
    int taken = 0;
    while (transport.get_write_buffer_size() == 0) {
      transport.sendto(data);
      ++taken;
    }
    return taken - 1;
  }

  // Reads all that is there.
  static std::vector<std::string> drain(const Socket& socket) {
    std::vector<std::string> all;
    std::string buffer(65536, '\0');
    while (const std::optional<std::size_t> size = socket.recv(buffer)) {
      all.push_back(buffer.substr(0, *size));
    }
    return all;
  }

  WatchedLoop loop_;
};

TEST_F(DatagramSocketTransportTest, ADatagramArrivesWholeWithTheAddressOfItsSender) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const End a = udp(host);
    const End b = udp(host);
    a.transport->sendto("hello", b.address());
    run_until([&] { return !b.recorder->received.empty(); });
    EXPECT_THAT(b.recorder->received, ElementsAre("hello"));
    EXPECT_EQ(b.recorder->last_sender, a.address());
  }
}

TEST_F(DatagramSocketTransportTest, TheProtocolHearsMadeThenDatagramsThenLost) {
  const End a = udp();
  const End b = udp();
  EXPECT_THAT(b.recorder->calls, IsEmpty()) << "not from inside start()";
  a.transport->sendto("x", b.address());
  run_until([&] { return !b.recorder->received.empty(); });
  b.transport->close();
  b.transport->close();
  EXPECT_TRUE(b.transport->is_closing());
  EXPECT_THAT(b.recorder->calls, ElementsAre("made")) << "not from inside close()";
  run_until_lost(b);
  EXPECT_THAT(b.recorder->calls, ElementsAre("made", "lost"));
  EXPECT_EQ(b.transport->fileno(), -1);
}

TEST_F(DatagramSocketTransportTest, AnEmptyDatagramIsOneToo) {
  const End a = udp();
  const End b = udp();
  a.transport->sendto("", b.address());
  a.transport->sendto("after", b.address());
  run_until([&] { return b.recorder->received.size() == 2; });
  EXPECT_THAT(b.recorder->received, ElementsAre("", "after"));
}

TEST_F(DatagramSocketTransportTest, TheLargestDatagramOfUdpIsNotCutShort) {
  const End a = udp();
  const End b = udp();
  const std::string large = noise(65'507);
  a.transport->sendto(large, b.address());
  run_until([&] { return !b.recorder->received.empty(); });
  EXPECT_EQ(b.recorder->received[0], large);
}

TEST_F(DatagramSocketTransportTest, ALargerOneOfAUnixSocketIsNotEither) {
  auto [ours, theirs] = unix_pair();
  ours.set_option(SOL_SOCKET, SO_SNDBUF, 400'000);
  const End a(loop_, std::move(ours));
  const End b(loop_, std::move(theirs));
  const std::string large = noise(150'000);
  a.transport->sendto(large);
  run_until([&] { return !b.recorder->received.empty(); });
  EXPECT_EQ(b.recorder->received[0], large);
}

TEST_F(DatagramSocketTransportTest, ManyThatWaitAreReceivedInOrderInFewTurns) {
  const End a = udp();
  const End b = udp();
  run_until([] { return true; });
  std::vector<std::string> sent;
  for (int i = 0; i < 64; ++i) sent.push_back(std::to_string(i));
  for (const std::string& data : sent) a.transport->sendto(data, b.address());
  const int before = loop_.turns();
  loop_.run([&]() -> Coro<> {
    while (b.recorder->received.size() < 64) co_await turns(1);
  });
  EXPECT_EQ(b.recorder->received, sent);
  EXPECT_LE(loop_.turns() - before, 8) << "16 a system call";
}

TEST_F(DatagramSocketTransportTest, ABatchIsSentInOrderAndWithoutQueueing) {
  const End a = udp();
  const End b = udp();
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.push_back(std::to_string(i));
  const std::vector<std::string_view> pieces(sent.begin(), sent.end());
  a.transport->send_batch(pieces, b.address());
  EXPECT_EQ(a.transport->get_write_buffer_size(), 0u);
  run_until([&] { return b.recorder->received.size() == 40; });
  EXPECT_EQ(b.recorder->received, sent);
}

TEST_F(DatagramSocketTransportTest, ClosedInsideDatagramReceivedItReceivesNoMore) {
  const End a = udp();
  const End b = udp();
  run_until([] { return true; });
  b.recorder->on_datagram = [&] { b.transport->close(); };
  a.transport->sendto("1", b.address());
  a.transport->sendto("2", b.address());
  run_until_lost(b);
  EXPECT_THAT(b.recorder->received, ElementsAre("1"));
}

TEST_F(DatagramSocketTransportTest, AnExceptionInDatagramReceivedIsReportedAndTheRestArrives) {
  const End a = udp();
  const End b = udp();
  run_until([] { return true; });
  b.recorder->on_datagram = [&] {
    if (b.recorder->received.size() == 1) throw std::runtime_error("oops");
  };
  a.transport->sendto("1", b.address());
  a.transport->sendto("2", b.address());
  run_until([&] { return b.recorder->received.size() == 2; });
  EXPECT_THAT(loop_.reports(), ElementsAre("Exception in protocol.datagram_received(): oops"));
  EXPECT_FALSE(b.transport->is_closing());
}

// Addresses.

TEST_F(DatagramSocketTransportTest, AConnectedEndpointSendsToItsPeerAndToNobodyElse) {
  const End b = udp();
  const End c = udp();
  Socket socket = udp_socket();
  check(::connect(socket.fileno(), b.address().data(), b.address().size()), "connect");
  const End a(loop_, std::move(socket), b.address());
  a.transport->sendto("no address");
  a.transport->sendto("its own", b.address());
  EXPECT_THROW(a.transport->sendto("another", c.address()), std::invalid_argument);
  run_until([&] { return b.recorder->received.size() == 2; });
  EXPECT_THAT(b.recorder->received, ElementsAre("no address", "its own"));
  EXPECT_EQ(a.transport->peername(), b.address());
}

TEST_F(DatagramSocketTransportTest, AnEndpointWithoutAPeerMustBeToldWhereTo) {
  const End a = udp();
  EXPECT_THROW(a.transport->sendto("x"), std::invalid_argument);
  EXPECT_EQ(a.transport->peername(), SocketAddress());
}

TEST_F(DatagramSocketTransportTest, ExtraInfoIsFoundByItsName) {
  const End a = udp();
  const auto socket = std::any_cast<TransportSocket>(a.transport->get_extra_info("socket"));
  EXPECT_EQ(socket.type(), SOCK_DGRAM);
  EXPECT_EQ(std::any_cast<SocketAddress>(a.transport->get_extra_info("sockname")), a.address());
  EXPECT_EQ(std::any_cast<int>(a.transport->get_extra_info("peername", 1)), 1);
}

TEST_F(DatagramSocketTransportTest, MulticastReachesEveryMemberOfTheGroup) {
  const End a = udp();
  const auto join = [](const End& end) {
    ip_mreq request{};
    request.imr_multiaddr.s_addr = htonl(0xEFFF0001);  // 239.255.0.1
    request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    std::any_cast<TransportSocket>(end.transport->get_extra_info("socket"))
        .setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP,
                    std::string_view(reinterpret_cast<const char*>(&request), sizeof request));
  };
  const auto member = [&](std::uint16_t port) {
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(SocketAddress::from_numeric("0.0.0.0", port));
    End end(loop_, std::move(socket));
    join(end);
    return end;
  };
  const End b = member(0);
  const std::uint16_t port = b.address().port();
  const End c = member(port);
  in_addr interface{htonl(INADDR_LOOPBACK)};
  std::any_cast<TransportSocket>(a.transport->get_extra_info("socket"))
      .setsockopt(IPPROTO_IP, IP_MULTICAST_IF,
                  std::string_view(reinterpret_cast<const char*>(&interface), sizeof interface));
  a.transport->sendto("all", SocketAddress::from_numeric("239.255.0.1", port));
  run_until([&] { return !b.recorder->received.empty() && !c.recorder->received.empty(); });
  EXPECT_THAT(b.recorder->received, ElementsAre("all"));
  EXPECT_THAT(c.recorder->received, ElementsAre("all"));
}

// Errors.

TEST_F(DatagramSocketTransportTest, AClosedPortAnswersWithAnErrorAndLaterTrafficWorks) {
  const SocketAddress closed = udp_socket().getsockname();
  Socket socket = udp_socket();
  check(::connect(socket.fileno(), closed.data(), closed.size()), "connect");
  const End a(loop_, std::move(socket), closed);
  run_until([] { return true; });
  a.transport->sendto("nobody");
  run_until([&] { return a.recorder->last_error != nullptr; });
  EXPECT_TRUE(holds<ConnectionRefusedError>(a.recorder->last_error));
  EXPECT_FALSE(a.transport->is_closing());
  Socket late = Socket::open(AF_INET, SOCK_DGRAM);
  late.bind(closed);
  const End b(loop_, std::move(late));
  b.transport->sendto("back", a.address());
  run_until([&] { return !a.recorder->received.empty(); });
  a.transport->sendto("there");
  run_until([&] { return !b.recorder->received.empty(); });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(DatagramSocketTransportTest, OneThatIsTooLargeIsAnErrorAndTheRestIsSent) {
  const End a = udp();
  const End b = udp();
  const std::string large(70'000, 'x');
  a.transport->sendto(large, b.address());
  const std::string_view batch[] = {"1", large, "2"};
  a.transport->send_batch(batch, b.address());
  run_until([&] { return b.recorder->received.size() == 2; });
  EXPECT_THAT(b.recorder->received, ElementsAre("1", "2"));
  EXPECT_THAT(a.recorder->calls, ElementsAre(HasSubstr("too long"), HasSubstr("too long"), "made"));
}

// Flow control, over a pair of Unix sockets.

TEST_F(DatagramSocketTransportTest, WhatTheKernelDoesNotTakeIsQueuedWholeAndCounted) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  const int taken = fill(*a.transport, "12345");
  EXPECT_EQ(a.transport->get_write_buffer_size(), 5u + 8u);
  a.transport->sendto("");
  EXPECT_EQ(a.transport->get_write_buffer_size(), 5u + 8u + 8u);
  std::vector<std::string> all;
  run_until([&, &theirs = theirs] {
    for (std::string& data : drain(theirs)) all.push_back(std::move(data));
    return a.transport->get_write_buffer_size() == 0;
  });
  for (std::string& data : drain(theirs)) all.push_back(std::move(data));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(taken) + 2);
  EXPECT_EQ(all[all.size() - 2], "12345");
  EXPECT_EQ(all.back(), "");
}

TEST_F(DatagramSocketTransportTest, TheProtocolIsPausedAndResumedByTurns) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  a.transport->set_write_buffer_limits(100, 20);
  fill(*a.transport, "12");
  for (int i = 0; i < 9; ++i) a.transport->sendto("12");
  EXPECT_THAT(a.recorder->calls, ElementsAre("made")) << "100 is not above 100";
  a.transport->sendto("12");
  a.transport->sendto("12");
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "pause"));
  run_until([&, &theirs = theirs] {
    drain(theirs);
    return a.transport->get_write_buffer_size() == 0;
  });
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "pause", "resume"));
  fill(*a.transport, "12");
  a.transport->set_write_buffer_limits(1);
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "pause", "resume", "pause"));
}

TEST_F(DatagramSocketTransportTest, ClosingSendsWhatIsQueuedFirst) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  const int taken = fill(*a.transport, "x");
  a.transport->close();
  std::size_t received = 0;
  run_until([&, &theirs = theirs] {
    received += drain(theirs).size();
    return a.recorder->lost;
  });
  received += drain(theirs).size();
  EXPECT_EQ(received, static_cast<std::size_t>(taken) + 1);
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "lost"));
}

TEST_F(DatagramSocketTransportTest, AbortingDropsIt) {
  const OpenDescriptors before;
  auto [ours, theirs] = unix_pair();
  {
    const End a(loop_, std::move(ours));
    run_until([] { return true; });
    fill(*a.transport, "x");
    a.transport->abort();
    EXPECT_EQ(a.transport->get_write_buffer_size(), 0u);
    run_until_lost(a);
    EXPECT_THAT(a.recorder->calls, ElementsAre("made", "lost"));
  }
  theirs.close();
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

// The peer goes while datagrams wait for it: each is refused.

TEST_F(DatagramSocketTransportTest, AnErrorWhileFlushingResumesAPausedProtocol) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  a.transport->set_write_buffer_limits(0);
  fill(*a.transport, "x");
  theirs.close();
  run_until([&] { return a.recorder->calls.size() == 4; });
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "pause", HasSubstr("error: "), "resume"));
}

TEST_F(DatagramSocketTransportTest, AnErrorDropsOneDatagramATurnAndKeepsTheRest) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  fill(*a.transport, "x");
  a.transport->sendto("y");
  std::vector<std::size_t> sizes;
  a.recorder->on_error = [&] { sizes.push_back(a.transport->get_write_buffer_size()); };
  theirs.close();
  run_until([&] { return sizes.size() == 2; });
  EXPECT_THAT(sizes, ElementsAre(9u, 0u));
}

TEST_F(DatagramSocketTransportTest, SendingFromInsideErrorReceivedIsSafe) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  int errors = 0;
  a.recorder->on_error = [&] {
    if (++errors < 5) a.transport->sendto("again");
  };
  fill(*a.transport, "x");
  theirs.close();
  run_until([&] { return errors == 5; });
  EXPECT_EQ(a.transport->get_write_buffer_size(), 0u);
}

TEST_F(DatagramSocketTransportTest, ClosedOrAbortedInsideErrorReceivedItIsLostOnce) {
  for (const bool abort : {false, true}) {
    auto [ours, theirs] = unix_pair();
    const End a(loop_, std::move(ours));
    run_until([] { return true; });
    fill(*a.transport, "x");
    a.recorder->on_error = [&] { abort ? a.transport->abort() : a.transport->close(); };
    theirs.close();
    run_until_lost(a);
    EXPECT_THAT(a.recorder->calls, ElementsAre("made", HasSubstr("error: "), "lost"));
  }
}

TEST_F(DatagramSocketTransportTest, ClosedWhileItsWritesFailItIsLost) {
  auto [ours, theirs] = unix_pair();
  const End a(loop_, std::move(ours));
  run_until([] { return true; });
  fill(*a.transport, "x");
  a.transport->close();
  theirs.close();
  run_until_lost(a);
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", HasSubstr("error: "), "lost"));
}

TEST_F(DatagramSocketTransportTest, AfterConnectionLostEveryCallIsLegalAndDoesNothing) {
  auto [ours, theirs] = unix_pair();
  const SocketAddress somewhere = SocketAddress::from_path("/nowhere");
  const End a(loop_, std::move(ours), somewhere);
  a.transport->abort();
  run_until_lost(a);
  std::vector<std::string> warnings;
  LogSink before =
      set_log_sink([&](LogSeverity, std::string_view message) { warnings.emplace_back(message); });
  const std::string_view batch[] = {"a", "b"};
  for (int i = 0; i < 4; ++i) a.transport->sendto("x");
  EXPECT_THAT(warnings, IsEmpty());
  a.transport->send_batch(batch);
  set_log_sink(std::move(before));
  EXPECT_THAT(warnings, ElementsAre("socket.send() raised exception."));
  a.transport->close();
  a.transport->abort();
  a.transport->set_write_buffer_limits(0);
  a.transport->set_protocol(std::make_shared<DatagramRecorder>());
  EXPECT_EQ(a.transport->get_protocol(), nullptr);
  EXPECT_THAT(a.recorder->calls, ElementsAre("made", "lost"));
}

TEST_F(DatagramSocketTransportTest, AProtocolSetInFlightHearsTheRestAndNotMade) {
  const End a = udp();
  const End b = udp();
  const auto next = std::make_shared<DatagramRecorder>();
  b.recorder->on_datagram = [&] { b.transport->set_protocol(next); };
  a.transport->sendto("1", b.address());
  a.transport->sendto("2", b.address());
  run_until([&] { return !next->received.empty(); });
  EXPECT_THAT(b.recorder->received, ElementsAre("1"));
  EXPECT_THAT(next->received, ElementsAre("2"));
  EXPECT_THAT(next->calls, IsEmpty());
}

ContextVar<int> depth("depth", 0);

TEST_F(DatagramSocketTransportTest, AllCallbacksOfAnEndpointRunInOneContext) {
  std::vector<int> seen;
  const End a = udp();
  loop_.run([&]() -> Coro<> {
    depth.set(1);
    const End b = udp();
    depth.set(2);
    const auto next = [&] {
      seen.push_back(depth.get());
      depth.set(depth.get() + 10);
    };
    b.recorder->on_made = next;
    b.recorder->on_datagram = next;
    b.recorder->on_lost = next;
    a.transport->sendto("x", b.address());
    co_await until([&] { return seen.size() == 2; });
    b.transport->close();
    co_await until([&] { return b.recorder->lost; });
  });
  EXPECT_THAT(seen, ElementsAre(1, 11, 21));
}

TEST_F(DatagramSocketTransportTest, TheLoopKeepsItAliveAndClosingTheLoopEndsIt) {
  std::shared_ptr<DatagramRecorder> recorder;
  {
    WatchedLoop loop;
    recorder = End(loop, udp_socket()).recorder;
    loop.run([]() -> Coro<> { co_await turns(2); });
    EXPECT_THAT(recorder->calls, ElementsAre("made"));
  }
  EXPECT_THAT(recorder->calls, ElementsAre("made", HasSubstr("lost: ")));
}

}  // namespace
}  // namespace asyncio
