#include "transports/src/connector.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/utils/exception_group.h"
#include "asyncio/utils/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/stuck_listener.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Infos = std::vector<AddressInfo>;

AddressInfo tcp(const SocketAddress& address) {
  return {address.family(), SOCK_STREAM, IPPROTO_TCP, "", address};
}

AddressInfo refusing() { return tcp(SocketAddress::from_numeric("127.0.0.1", unused_port())); }

std::string refusal_by(const AddressInfo& info) {
  return "connect to " + info.address.to_string() + ": Connection refused";
}

bool no_sockets(const std::vector<std::string>& names) {
  return std::none_of(names.begin(), names.end(),
                      [](const std::string& name) { return name.starts_with("socket:"); });
}

class ConnectorTest : public ::testing::Test {
 protected:
  // Tries the addresses one after the other; what that comes to if all fail.
  std::exception_ptr failure_of_turns(Infos remote, std::optional<Infos> local = std::nullopt,
                                      bool all_errors = false) {
    return loop_.run([&]() -> Coro<std::exception_ptr> {
      Connector connector(remote, local);
      const std::optional<Socket> socket = co_await connector.connect_in_turn();
      EXPECT_FALSE(socket.has_value());
      co_return thrown_by(connector, all_errors);
    });
  }

  static std::exception_ptr thrown_by(const Connector& connector, bool all_errors) {
    try {
      connector.throw_failure(all_errors);
    } catch (...) {
      return std::current_exception();
    }
  }

  const OpenDescriptors before_;
  WatchedLoop loop_;
};

// One after the other.

TEST_F(ConnectorTest, TheFirstAddressThatAnswersIsTaken) {
  const Listener first;
  const Listener second;
  loop_.run([&]() -> Coro<> {
    Connector connector({refusing(), tcp(first.address()), tcp(second.address())}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.connect_in_turn();
    EXPECT_EQ(socket->getpeername(), first.address());
    EXPECT_FALSE(is_readable(second.fileno())) << "was not tried";
  });
}

TEST_F(ConnectorTest, OneFailureIsThrownAsItIs) {
  const AddressInfo one = refusing();
  const std::exception_ptr error = failure_of_turns({one});
  EXPECT_TRUE(holds<ConnectionRefusedError>(error));
  EXPECT_EQ(text_of(error), refusal_by(one));
}

TEST_F(ConnectorTest, FailuresThatSayTheSameAreThrownAsOne) {
  const AddressInfo one = refusing();
  const std::exception_ptr error = failure_of_turns({one, one});
  EXPECT_TRUE(holds<ConnectionRefusedError>(error));
  EXPECT_EQ(text_of(error), refusal_by(one));
}

TEST_F(ConnectorTest, DifferentFailuresAreListed) {
  const AddressInfo one = refusing();
  const AddressInfo two = refusing();
  const std::exception_ptr error = failure_of_turns({one, two});
  EXPECT_TRUE(holds<OsError>(error));
  EXPECT_THAT(text_of(error),
              HasSubstr("Multiple exceptions: " + refusal_by(one) + ", " + refusal_by(two)));
}

TEST_F(ConnectorTest, OnRequestAllFailuresAreThrownTogether) {
  const AddressInfo one = refusing();
  const AddressInfo two = refusing();
  try {
    std::rethrow_exception(failure_of_turns({one, two}, std::nullopt, /*all_errors=*/true));
  } catch (const ExceptionGroup& group) {
    EXPECT_EQ(group.message(), "create_connection failed");
    ASSERT_THAT(group.exceptions(), SizeIs(2));
    EXPECT_TRUE(holds<ConnectionRefusedError>(group.exceptions()[0]));
    EXPECT_EQ(text_of(group.exceptions()[0]), refusal_by(one));
    EXPECT_EQ(text_of(group.exceptions()[1]), refusal_by(two));
  }
}

TEST_F(ConnectorTest, AFamilyThatTheSystemDoesNotKnowIsAFailureLikeAnyOther) {
  AddressInfo odd = refusing();
  odd.family = 4711;
  EXPECT_EQ(text_of(failure_of_turns({odd})), "socket: Address family not supported by protocol");
}

// Local addresses.

TEST_F(ConnectorTest, OfTheLocalAddressesTheFirstOfTheFamilyThatIsFreeIsUsed) {
  const Listener listener;
  const Listener taken("127.0.0.2");
  const Infos local{tcp(SocketAddress::from_numeric("::1", 0)), tcp(taken.address()),
                    tcp(SocketAddress::from_numeric("127.0.0.3", 0)),
                    tcp(SocketAddress::from_numeric("127.0.0.4", 0))};
  loop_.run([&]() -> Coro<> {
    Connector connector({tcp(listener.address())}, local);
    const std::optional<Socket> socket = co_await connector.connect_in_turn();
    EXPECT_EQ(socket->getsockname().host(), "127.0.0.3");
  });
}

TEST_F(ConnectorTest, WithoutALocalAddressOfTheFamilyTheAttemptFails) {
  const Listener listener;
  const std::exception_ptr error = failure_of_turns(
      {tcp(listener.address())}, Infos{tcp(SocketAddress::from_numeric("::1", 0))});
  EXPECT_THAT(text_of(error), HasSubstr("no matching local address with family=2 found"));
}

TEST_F(ConnectorTest, ALocalAddressInUseIsAnErrorThatNamesIt) {
  const Listener listener;
  const Listener taken;
  const std::exception_ptr error =
      failure_of_turns({tcp(listener.address())}, Infos{tcp(taken.address())});
  EXPECT_EQ(text_of(error), "error while attempting to bind on address " +
                                taken.address().to_string() + ": Address already in use");
  try {
    std::rethrow_exception(error);
  } catch (const OsError& e) {
    EXPECT_EQ(e.error_number(), EADDRINUSE);
  }
}

TEST_F(ConnectorTest, EveryLocalAddressInUseIsListed) {
  const Listener listener;
  const Listener one;
  const Listener two;
  const std::string text = text_of(
      failure_of_turns({tcp(listener.address())}, Infos{tcp(one.address()), tcp(two.address())}));
  EXPECT_THAT(text, HasSubstr("bind on address " + one.address().to_string() + ": "));
  EXPECT_THAT(text, HasSubstr("bind on address " + two.address().to_string() + ": "));
}

TEST_F(ConnectorTest, FailuresToBindAndToConnectAreListedTogether) {
  const Listener taken;
  const AddressInfo v4 = refusing();
  const AddressInfo v6 = tcp(SocketAddress::from_numeric("::1", unused_port("::1")));
  const std::string text = text_of(failure_of_turns(
      {v4, v6}, Infos{tcp(taken.address()), tcp(SocketAddress::from_numeric("::1", 0))}));
  EXPECT_THAT(
      text, HasSubstr("Multiple exceptions: error while attempting to bind on address " +
                      taken.address().to_string() + ": Address already in use, " + refusal_by(v6)));
}

// In a race.

TEST_F(ConnectorTest, AnAddressThatDoesNotAnswerIsOvertakenByTheNext) {
  const StuckListener slow("::1");
  const Listener quick;
  loop_.run([&]() -> Coro<> {
    const OpenDescriptors before;
    Connector connector({tcp(slow.address()), tcp(quick.address())}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.race(10ms);
    EXPECT_EQ(socket->getpeername(), quick.address());
    EXPECT_THAT(before.opened_since(), SizeIs(1)) << "the loser's socket is closed";
  });
}

TEST_F(ConnectorTest, TheNextAddressIsNotTriedBeforeItsTime) {
  const Listener first;
  const Listener second;
  loop_.run([&]() -> Coro<> {
    Connector connector({tcp(first.address()), tcp(second.address())}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.race(1h);
    EXPECT_EQ(socket->getpeername(), first.address());
    EXPECT_FALSE(is_readable(second.fileno()));
  });
}

TEST_F(ConnectorTest, AFailureLetsTheNextAddressStartAtOnce) {
  const Listener listener;
  loop_.run([&]() -> Coro<> {
    Connector connector({refusing(), refusing(), tcp(listener.address())}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.race(1h);
    EXPECT_EQ(socket->getpeername(), listener.address());
  });
}

TEST_F(ConnectorTest, WhenAllLoseTheFailuresAreInTheOrderOfTheAddresses) {
  const AddressInfo one = refusing();
  const AddressInfo two = refusing();
  loop_.run([&]() -> Coro<> {
    Connector connector({one, two}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.race(0ms);
    EXPECT_FALSE(socket.has_value());
    EXPECT_THAT(text_of(thrown_by(connector, false)),
                HasSubstr("Multiple exceptions: " + refusal_by(one) + ", " + refusal_by(two)));
  });
}

// Somebody cancels the attempts, and not who waits for them.
TEST_F(ConnectorTest, ARaceThatNobodyFinishesIsATimeoutError) {
  const StuckListener slow;
  loop_.run([&]() -> Coro<> {
    const OpenDescriptors before;
    const std::vector<AnyTask> others = all_tasks();
    auto cancel_attempts = [&]() -> Coro<> {
      co_await turns(5);
      for (const AnyTask& task : all_tasks()) {
        if (std::find(others.begin(), others.end(), task) == others.end()) task.cancel();
      }
    };
    static_cast<void>(create_task(cancel_attempts));
    Connector connector({tcp(slow.address())}, std::nullopt);
    const std::optional<Socket> socket = co_await connector.race(1h);
    EXPECT_FALSE(socket.has_value());
    const std::exception_ptr error = thrown_by(connector, true);
    EXPECT_TRUE(holds<TimeoutError>(error));
    EXPECT_EQ(text_of(error), "create_connection failed");
    EXPECT_THAT(before.opened_since(), IsEmpty());
  });
}

// The cancellation.

TEST(ConnectorCancellationTest, LeavesNoSocketOpenAtAnyAwaitOfARace) {
  const StuckListener slow("::1");
  const Listener quick;
  const OpenDescriptors before;
  const int awaits = testing::cancel_at_every_await(
      [&]() -> Coro<> {
        Connector connector({refusing(), tcp(slow.address()), tcp(quick.address())}, std::nullopt);
        co_await connector.race(250ms);
      },
      [&] { return no_sockets(before.opened_since()); });
  EXPECT_GE(awaits, 1);
}

TEST(ConnectorCancellationTest, LeavesNoSocketOpenWhileOneAddressDoesNotAnswer) {
  const StuckListener slow;
  WatchedLoop loop;
  const OpenDescriptors before;
  loop.run([&]() -> Coro<> {
    for (int turn = 0; turn < 8; ++turn) {
      Connector connector({tcp(slow.address()), tcp(slow.address())}, std::nullopt);
      auto race = [&]() -> Coro<> { co_await connector.race(0ms); };
      auto racing = create_task(race);
      co_await turns(turn);
      racing.cancel();
      const std::exception_ptr error = co_await error_of(racing);
      EXPECT_TRUE(holds<CancelledError>(error)) << turn;
      EXPECT_THAT(before.opened_since(), IsEmpty()) << turn;
    }
  });
}

}  // namespace
}  // namespace asyncio
