#include "asyncio/transports/connection.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/activity.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/resolver.h"
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

class CreateConnectionTest : public testing::Test {
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
  EXPECT_THAT(before.still_open(), testing::IsEmpty());
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
  EXPECT_THAT(before.opened_since(), testing::IsEmpty());
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
  EXPECT_THAT(before.opened_since(), testing::IsEmpty());
}

TEST_F(CreateConnectionTest, ANameThatCannotBeResolvedIsAResolveError) {
  loop_.run([&]() -> Coro<> {
    EXPECT_TRUE(holds<ResolveError>(co_await failure_to_connect("no-such-host.invalid", 80)));
    EXPECT_TRUE(holds<ResolveError>(
        co_await failure_to_connect("127.0.0.1", 80, ConnectionOptions{.family = AF_INET6})));
  });
}

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
  EXPECT_THAT(before.opened_since(), testing::IsEmpty());
}

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
    EXPECT_THAT(before.opened_since(), testing::SizeIs(1));
    connecting.cancel();
    co_await error_of(connecting);
    EXPECT_THAT(before.opened_since(), testing::IsEmpty());
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
    EXPECT_THAT(before.opened_since(), testing::IsEmpty())
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
    EXPECT_THAT(before.still_open(), testing::IsEmpty()) << "destroyed after " << turn << " turns";
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
