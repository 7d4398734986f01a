#include "asyncio/transports/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/transports/socket.h"
#include "asyncio/utils/exception_group.h"
#include "asyncio/utils/timeout.h"
#include "events/test/captured_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/stuck_listener.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

std::shared_ptr<Recorder> make_recorder() { return std::make_shared<Recorder>(); }

Ends unix_ends() {
  std::array<int, 2> fds;
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), "socketpair");
  return {Socket(FileDescriptor(fds[0])), Peer(FileDescriptor(fds[1]))};
}

class CreateConnectionTest : public ::testing::Test {
 protected:
  // What create_connection() throws.
  Coro<std::exception_ptr> failure_to_connect(std::string host, std::uint16_t port,
                                              ConnectionOptions options = ConnectionOptions()) {
    try {
      co_await create_connection(make_recorder, host, port, options);
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  WatchedLoop loop_;
};

TEST_F(CreateConnectionTest, ReturnsTheTransportAndTheProtocolAfterConnectionMade) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "127.0.0.1", listener.port());
    EXPECT_EQ(protocol->calls, Calls{"made"});
    EXPECT_EQ(protocol->transport, transport.get());
    EXPECT_EQ(transport->get_protocol(), protocol);
    EXPECT_EQ(transport->peername(), listener.address());

    Peer peer = listener.accept_now();
    transport->write("question");
    EXPECT_EQ(co_await peer.recv(), "question");
    peer.send("answer");
    peer.close();
    co_await until([&] { return protocol->lost; });
    EXPECT_EQ(protocol->received, "answer");
  });
}

TEST_F(CreateConnectionTest, TheFactoryMayGiveAUniquePointerAndHoldThingsOfItsOwn) {
  const Listener listener;
  auto prepared = std::make_unique<Recorder>();
  Recorder* expected = prepared.get();
  loop_.run([&]() -> Coro<> {
    auto factory = [prepared = std::move(prepared)]() mutable { return std::move(prepared); };
    const auto [transport, protocol] =
        co_await create_connection(std::move(factory), "127.0.0.1", listener.port());
    EXPECT_EQ(protocol.get(), expected);
    transport->close();
  });
}

TEST_F(CreateConnectionTest, BothFamiliesAndANameWork) {
  const Listener v4("127.0.0.1");
  const Listener v6("::1");
  const OpenDescriptors before;
  auto loop = std::make_unique<WatchedLoop>();
  loop->run([&]() -> Coro<> {
    const auto [four, protocol4] =
        co_await create_connection(make_recorder, "127.0.0.1", v4.port());
    const auto [six, protocol6] = co_await create_connection(make_recorder, "::1", v6.port());
    const auto [name, protocol] = co_await create_connection(make_recorder, "localhost", v4.port(),
                                                             ConnectionOptions{.family = AF_INET});
    EXPECT_EQ(four->peername(), v4.address());
    EXPECT_EQ(six->peername(), v6.address());
    EXPECT_EQ(name->peername(), v4.address());
  });
  loop.reset();
  EXPECT_THAT(before.still_open(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, ARefusedConnectionIsAConnectionRefusedErrorThatSaysByWhom) {
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

// An empty host is this machine: ::1 and 127.0.0.1.
TEST_F(CreateConnectionTest, TheNextAddressIsTriedWhenOneRefuses) {
  const Listener listener("127.0.0.1");
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "", listener.port());
    EXPECT_EQ(transport->peername(), listener.address());
  });
}

TEST_F(CreateConnectionTest, WhenAllAddressesRefuseTheErrorListsThem) {
  const OpenDescriptors before;
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_to_connect("", port);
    EXPECT_TRUE(holds<OsError>(error));
    const std::string text = text_of(error);
    const std::string number = std::to_string(port);
    EXPECT_TRUE(text.starts_with("Multiple exceptions: connect to ")) << text;
    EXPECT_NE(text.find("connect to [::1]:" + number + ": Connection refused"), text.npos) << text;
    EXPECT_NE(text.find("connect to 127.0.0.1:" + number + ": Connection refused"), text.npos)
        << text;
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, ANameThatCannotBeResolvedIsAResolveError) {
  loop_.run([&]() -> Coro<> {
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect("no-such-host.invalid", 80)));
    EXPECT_TRUE(holds<ResolveError>(
        co_await failure_to_connect("127.0.0.1", 80, ConnectionOptions{.family = AF_INET6})));
  });
}

TEST_F(CreateConnectionTest, OnRequestAllFailuresAreThrownTogether) {
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error =
        co_await failure_to_connect("", port, ConnectionOptions{.all_errors = true});
    try {
      std::rethrow_exception(error);
    } catch (const ExceptionGroup& group) {
      EXPECT_EQ(group.message(), "create_connection failed");
      EXPECT_THAT(group.exceptions(), ::testing::SizeIs(2));
    }
  });
}

TEST_F(CreateConnectionTest, ThePortMayBeAText) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "127.0.0.1", std::to_string(listener.port()));
    EXPECT_EQ(transport->peername(), listener.address());
  });
}

// Nobody listens at the port of "discard", or somebody does.
TEST_F(CreateConnectionTest, ThePortMayBeTheNameOfAService) {
  loop_.run([&]() -> Coro<> {
    const std::string text = text_of(co_await failure_of(
        []() -> Coro<> { co_await create_connection(make_recorder, "127.0.0.1", "discard"); }));
    EXPECT_THAT(text, ::testing::AnyOf("", "connect to 127.0.0.1:9: Connection refused"));
    EXPECT_TRUE(holds<ResolveError>(co_await failure_of([]() -> Coro<> {
      co_await create_connection(make_recorder, "127.0.0.1", "no-such-service");
    })));
  });
}

TEST_F(CreateConnectionTest, FamilyAndProtocolAndFlagsAreTheResolversHints) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] = co_await create_connection(
        make_recorder, "127.0.0.1", listener.port(),
        ConnectionOptions{.family = AF_INET, .proto = IPPROTO_TCP, .flags = AI_NUMERICHOST});
    EXPECT_EQ(transport->peername(), listener.address());
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(
        "127.0.0.1", listener.port(), ConnectionOptions{.proto = IPPROTO_UDP})));
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(
        "localhost", listener.port(), ConnectionOptions{.flags = AI_NUMERICHOST})));
  });
}

TEST_F(CreateConnectionTest, ATimeoutPassesAndClosesTheSocket) {
  const StuckListener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto connect = [&](Timeout&) -> Coro<> {
      co_await create_connection(make_recorder, "127.0.0.1", listener.port());
    };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await with(timeout(std::chrono::milliseconds(10)), connect); });
    EXPECT_TRUE(holds<TimeoutError>(error));
    EXPECT_EQ(text_of(error), "timed out");
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

// Local addresses.

TEST_F(CreateConnectionTest, TheConnectionComesFromTheLocalAddress) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "127.0.0.1", listener.port(),
                                   ConnectionOptions{.local_addr = LocalAddress{"127.0.0.2", 0}});
    EXPECT_EQ(transport->sockname().host(), "127.0.0.2");
  });
}

// An empty host is ::1 and 127.0.0.1.
TEST_F(CreateConnectionTest, LocalAddressesOfAnotherFamilyAreSkipped) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "127.0.0.1", listener.port(),
                                   ConnectionOptions{.local_addr = LocalAddress{"", 0}});
    EXPECT_EQ(transport->sockname().host(), "127.0.0.1");
  });
}

TEST_F(CreateConnectionTest, ALocalAddressOfNoFittingFamilyIsAnOsError) {
  const Listener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_to_connect(
        "127.0.0.1", listener.port(), ConnectionOptions{.local_addr = LocalAddress{"::1", 0}});
    EXPECT_THAT(text_of(error), ::testing::StartsWith("no matching local address"));
    EXPECT_TRUE(holds<OsError>(error));
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, ALocalAddressInUseIsNamedInTheError) {
  const Listener listener;
  const Listener taken;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const LocalAddress local{"127.0.0.1", taken.port()};
    const std::exception_ptr error = co_await failure_to_connect(
        "127.0.0.1", listener.port(), ConnectionOptions{.local_addr = local});
    EXPECT_EQ(text_of(error), "error while attempting to bind on address " +
                                  taken.address().to_string() + ": Address already in use");
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, ALocalAddressThatCannotBeResolvedIsAResolveError) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const LocalAddress local{"no-such-host.invalid", 0};
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect(
        "127.0.0.1", listener.port(), ConnectionOptions{.local_addr = local})));
  });
}

// The texts of the options may be gone before the coroutine starts.
TEST_F(CreateConnectionTest, HostAndLocalAddressAreCopiedWhenItIsCalled) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    auto host = std::make_unique<std::string>("127.0.0.1");
    auto local_host = std::make_unique<std::string>("127.0.0.2");
    const LocalAddress local{*local_host, 0};
    auto connecting = create_task(create_connection(make_recorder, *host, listener.port(),
                                                    ConnectionOptions{.local_addr = local}));
    host.reset();
    local_host.reset();
    const auto [transport, protocol] = co_await connecting;
    EXPECT_EQ(transport->sockname().host(), "127.0.0.2");
  });
}

// Happy Eyeballs. An empty host is ::1, then 127.0.0.1.

TEST_F(CreateConnectionTest, WithHappyEyeballsASlowIPv6IsOvertakenByIPv4) {
  const StuckListener v6("::1");
  const Socket v4 = Socket::open(AF_INET, SOCK_STREAM);
  v4.bind(SocketAddress::from_numeric("127.0.0.1", v6.port()));
  v4.listen(1);
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const ConnectionOptions options{.happy_eyeballs_delay = std::chrono::milliseconds(10)};
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "", v6.port(), options);
    EXPECT_EQ(transport->peername(), v4.getsockname());
    EXPECT_EQ(protocol->calls, Calls{"made"});
    EXPECT_THAT(before.opened_since(), ::testing::SizeIs(1)) << "the loser's socket is closed";
  });
}

TEST_F(CreateConnectionTest, WithHappyEyeballsIPv4AloneIsEnough) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    const ConnectionOptions options{.happy_eyeballs_delay = std::chrono::hours(1)};
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, "", listener.port(), options);
    EXPECT_EQ(transport->peername(), listener.address());
  });
}

TEST_F(CreateConnectionTest, WithHappyEyeballsTooAllFailuresAreListed) {
  const OpenDescriptors before;
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    const ConnectionOptions options{.happy_eyeballs_delay = std::chrono::hours(1)};
    const std::exception_ptr error = co_await failure_to_connect("", port, options);
    EXPECT_THAT(text_of(error), ::testing::StartsWith("Multiple exceptions: connect to [::1]"));
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, CancelledInTheRaceItLeavesNothingOpen) {
  const StuckListener v6("::1");
  const Socket v4 = Socket::open(AF_INET, SOCK_STREAM);
  v4.bind(SocketAddress::from_numeric("127.0.0.1", v6.port()));
  v4.listen(100);
  bool succeeded = false;
  for (int turn = 0; !succeeded; ++turn) {
    const OpenDescriptors before;
    loop_.run([&]() -> Coro<> {
      auto connect = [&]() -> Coro<> {
        const ConnectionOptions options{.happy_eyeballs_delay = std::chrono::seconds(0)};
        const auto [transport, protocol] =
            co_await create_connection(make_recorder, "", v6.port(), options);
        transport->close();
      };
      auto connecting = create_task(connect);
      co_await turns(turn);
      connecting.cancel();
      succeeded = co_await error_of(connecting) == nullptr;
      co_await turns(3);
    });
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty()) << "cancelled after " << turn;
    ASSERT_LT(turn, 100);
  }
}

// A socket that is connected already.

TEST_F(CreateConnectionTest, APreparedSocketIsTakenOver) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, std::move(ends.ours));
    EXPECT_EQ(protocol->calls, Calls{"made"});
    transport->write("question");
    EXPECT_EQ(co_await ends.peer.recv(), "question");
    ends.peer.close();
    co_await until([&] { return protocol->lost; });
  });
}

TEST_F(CreateConnectionTest, APreparedSocketMayBeAUnixSocket) {
  Ends ends = unix_ends();
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_connection(make_recorder, std::move(ends.ours));
    transport->write("question");
    EXPECT_EQ(co_await ends.peer.recv(), "question");
    transport->close();
  });
}

TEST_F(CreateConnectionTest, ASocketThatIsNoStreamIsRefusedAndClosed) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_of([]() -> Coro<> {
      co_await create_connection(make_recorder, Socket::open(AF_INET, SOCK_DGRAM));
    });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_THAT(text_of(error), ::testing::StartsWith("A Stream Socket was expected, got"));
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, AnAcceptedSocketIsTakenOver) {
  const Listener listener;
  Peer peer = Peer::connect(listener.address());
  loop_.run([&]() -> Coro<> {
    Socket accepted(listener.accept_now().release());
    const auto [transport, protocol] =
        co_await connect_accepted_socket(make_recorder, std::move(accepted));
    EXPECT_EQ(protocol->calls, Calls{"made"});
    EXPECT_EQ(transport->sockname(), listener.address());
    peer.send("hello");
    peer.close();
    co_await until([&] { return protocol->lost; });
    EXPECT_EQ(protocol->received, "hello");
  });
}

TEST_F(CreateConnectionTest, AnAcceptedSocketThatIsNoStreamIsRefusedAndClosed) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    EXPECT_TRUE(holds<std::invalid_argument>(co_await failure_of([]() -> Coro<> {
      co_await connect_accepted_socket(make_recorder, Socket::open(AF_INET, SOCK_DGRAM));
    })));
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

// The factory.

TEST_F(CreateConnectionTest, WhatTheFactoryThrowsPassesAndTheSocketIsClosed) {
  const Listener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw std::runtime_error("no protocol"); };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await create_connection(factory, "127.0.0.1", listener.port()); });
    EXPECT_EQ(text_of(error), "no protocol");
    EXPECT_EQ(co_await listener.accept_now().recv(), "");
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateConnectionTest, WhatTheFactoryThrowsClosesAPreparedSocket) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw std::runtime_error("no protocol"); };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await create_connection(factory, std::move(ends.ours)); });
    EXPECT_EQ(text_of(error), "no protocol");
    EXPECT_EQ(co_await ends.peer.recv(), "");
  });
}

TEST_F(CreateConnectionTest, AFactoryThatGivesNoProtocolIsRefusedAndTheSocketIsClosed) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::unique_ptr<Recorder> { return nullptr; };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await create_connection(factory, "127.0.0.1", listener.port()); });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "the protocol factory returned null");
    EXPECT_EQ(co_await listener.accept_now().recv(), "");
  });
}

// A protocol that takes few bytes at a time and answers each of them.
class SmallBuffer : public BufferedProtocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  std::span<char> get_buffer(std::size_t) override { return buffer_; }
  void buffer_updated(std::size_t size) override {
    received.append(buffer_.data(), size);
    transport_->write(std::string(size, '!'));
  }
  void connection_lost(std::exception_ptr) override { lost = true; }

  std::string received;
  bool lost = false;

 private:
  Transport* transport_ = nullptr;
  std::array<char, 1> buffer_;
};

TEST_F(CreateConnectionTest, ABufferedProtocolReceivesWhereItSays) {
  const Listener listener;
  const std::string data = noise(4000);
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] = co_await create_connection(
        [] { return std::make_shared<SmallBuffer>(); }, "127.0.0.1", listener.port());
    Peer peer = listener.accept_now();
    peer.send(data);
    const std::string answers = co_await peer.recv_all(data.size());
    EXPECT_EQ(answers, std::string(data.size(), '!'));
    EXPECT_EQ(protocol->received, data);
    peer.close();
    co_await until([&] { return protocol->lost; });
  });
}

// connection_made() and after.

TEST_F(CreateConnectionTest, AnExceptionInConnectionMadeIsReportedAndTheConnectionIsReturned) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    auto factory = [] {
      auto recorder = std::make_shared<Recorder>();
      recorder->on_made = [] { throw std::runtime_error("oops"); };
      return recorder;
    };
    const auto [transport, protocol] =
        co_await create_connection(factory, "127.0.0.1", listener.port());
    EXPECT_FALSE(transport->is_closing());
    transport->write("still up");
    EXPECT_EQ(co_await listener.accept_now().recv(), "still up");
  });
  EXPECT_EQ(loop_.reports(), Calls{"Exception in callback: oops"});
}

TEST_F(CreateConnectionTest, AConnectionClosedInsideConnectionMadeIsReturnedClosing) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    auto factory = [] {
      auto recorder = std::make_shared<Recorder>();
      Recorder* self = recorder.get();
      recorder->on_made = [self] { self->transport->close(); };
      return recorder;
    };
    const auto [transport, protocol] =
        co_await create_connection(factory, "127.0.0.1", listener.port());
    EXPECT_TRUE(transport->is_closing());
    co_await until([&] { return protocol->lost; });
    EXPECT_EQ(protocol->calls, (Calls{"made", "lost"}));
  });
}

TEST_F(CreateConnectionTest, CancelledWhileConnectingItLeavesNothingOpen) {
  const StuckListener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto connecting = create_task(failure_to_connect("127.0.0.1", listener.port()));
    co_await turns(5);
    EXPECT_FALSE(connecting.done());
    EXPECT_THAT(before.opened_since(), ::testing::SizeIs(1));
    connecting.cancel();
    co_await error_of(connecting);
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
  });
}

TEST_F(CreateConnectionTest, CancelledInAnyTurnItLeavesNothingOpen) {
  const Listener listener;
  bool succeeded = false;
  for (int turn = 0; !succeeded; ++turn) {
    const OpenDescriptors before;
    std::vector<std::shared_ptr<Recorder>> made;
    auto factory = [&made] { return made.emplace_back(std::make_shared<Recorder>()); };
    loop_.run([&]() -> Coro<> {
      auto connect = [&]() -> Coro<> {
        const auto [transport, protocol] =
            co_await create_connection(factory, "127.0.0.1", listener.port());
        transport->close();
      };
      auto connecting = create_task(connect);
      co_await turns(turn);
      connecting.cancel();
      succeeded = co_await error_of(connecting) == nullptr;
      co_await turns(3);
    });
    while (is_readable(listener.fileno())) listener.accept_now();
    EXPECT_THAT(before.opened_since(), ::testing::IsEmpty())
        << "cancelled after " << turn << " turns";
    for (const auto& protocol : made) EXPECT_EQ(protocol->calls, (Calls{"made", "lost"})) << turn;
    ASSERT_LT(turn, 100);
  }
}

TEST_F(CreateConnectionTest, DestroyedWithItsLoopItLeavesNothingOpen) {
  const StuckListener stuck;
  const Listener listener;
  for (int turn = 0; turn < 6; ++turn) {
    const OpenDescriptors before;
    {
      WatchedLoop loop;
      loop.run([&]() -> Coro<> {
        static_cast<void>(create_task(failure_to_connect("127.0.0.1", stuck.port())));
        static_cast<void>(create_task(failure_to_connect("127.0.0.1", listener.port())));
        static_cast<void>(create_task(failure_to_connect("localhost", listener.port())));
        co_await turns(turn);
      });
    }
    while (is_readable(listener.fileno())) listener.accept_now();
    EXPECT_THAT(before.still_open(), ::testing::IsEmpty())
        << "destroyed after " << turn << " turns";
  }
}

// In debug mode.

// What is logged when the loop closes while a connection, made at `where`, is in the given state.
std::vector<std::string> words_of_closing_loop(bool debug, bool closing,
                                               std::source_location where) {
  CapturedLog log;
  const Listener listener;
  WatchedLoop loop;
  loop.set_debug(debug);
  std::shared_ptr<Transport> transport;
  loop.run([&]() -> Coro<> {
    auto connection = co_await create_connection(make_recorder, "127.0.0.1", listener.port(),
                                                 ConnectionOptions(), where);
    transport = std::move(connection.first);
  });
  if (closing) transport->close();
  loop.close();
  return log.messages;
}

TEST(UnclosedTransportTest, IsLoggedInDebugModeWithItsLine) {
  const auto here = std::source_location::current();
  const std::vector<std::string> words = words_of_closing_loop(true, false, here);
  ASSERT_EQ(words.size(), 1U);
  EXPECT_TRUE(words[0].starts_with("unclosed transport, descriptor ")) << words[0];
  EXPECT_TRUE(words[0].ends_with(", created at " + to_string(here))) << words[0];
}

TEST(UnclosedTransportTest, OneThatIsClosingIsNotLogged) {
  EXPECT_TRUE(words_of_closing_loop(true, true, std::source_location::current()).empty());
}

TEST(UnclosedTransportTest, OffNoneIsLogged) {
  EXPECT_TRUE(words_of_closing_loop(false, false, std::source_location::current()).empty());
}

}  // namespace
}  // namespace asyncio
