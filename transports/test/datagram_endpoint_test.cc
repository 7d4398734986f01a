#include "asyncio/transports/datagram_endpoint.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <any>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/transport_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/datagram_recorder.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/python_peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using End = DatagramEndpoint<DatagramRecorder>;

class DatagramEndpointTest : public ::testing::Test {
 protected:
  static Coro<End> open(DatagramOptions options) {
    co_return co_await create_datagram_endpoint(std::make_shared<DatagramRecorder>, options);
  }

  // An endpoint at a free port of `host`.
  static Coro<End> open_at(std::string_view host, int family = AF_UNSPEC) {
    DatagramOptions options;
    options.local_addr = HostPort{host, 0};
    options.family = family;
    return open(options);
  }

  static Coro<End> open_to(const SocketAddress& address) {
    const std::string host = address.host();
    DatagramOptions options;
    options.remote_addr = HostPort{host, address.port()};
    co_return co_await create_datagram_endpoint(std::make_shared<DatagramRecorder>, options);
  }

  // What opening with these throws.
  std::exception_ptr failure(DatagramOptions options) {
    return loop_.run([&]() -> Coro<std::exception_ptr> {
      co_return co_await failure_of([&]() -> Coro<> { co_await open(options); });
    });
  }

  static std::string temporary(std::string_view name) {
    std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/" + std::string(name);
    ::unlink(path.c_str());
    return path;
  }

  WatchedLoop loop_;
};

TEST_F(DatagramEndpointTest, ItIsReturnedAfterConnectionMadeWithItsProtocol) {
  loop_.run([]() -> Coro<> {
    const auto [transport, protocol] = co_await open_at("127.0.0.1");
    EXPECT_EQ(protocol->transport, transport.get());
    EXPECT_EQ(transport->get_protocol(), protocol);
    EXPECT_NE(transport->sockname().port(), 0);
    transport->close();
    co_await until([&, &protocol = protocol] { return protocol->lost; });
  });
}

TEST_F(DatagramEndpointTest, EndpointsOfEitherFamilyOrByNameAnswerEachOther) {
  for (const auto& [host, family] : {std::pair("127.0.0.1", AF_UNSPEC), std::pair("::1", AF_UNSPEC),
                                     std::pair("localhost", AF_INET)}) {
    loop_.run([&, &host = host, &family = family]() -> Coro<> {
      const auto [server, answering] = co_await open_at(host, family);
      answering->on_datagram = [&, &server = server, &answering = answering] {
        server->sendto("answer to " + answering->received.back(), answering->last_sender);
      };
      const SocketAddress address = server->sockname();
      const auto [client, asking] = co_await open_to(address);
      EXPECT_EQ(client->peername(), address);
      client->sendto("question");
      co_await until([&, &asking = asking] { return !asking->received.empty(); });
      EXPECT_THAT(asking->received, ElementsAre("answer to question"));
      server->close();
      client->close();
      co_await turns(2);
    });
  }
}

TEST_F(DatagramEndpointTest, AnEndpointOfAPythonPeerAnswersEachDatagram) {
  PythonPeer peer(R"(
import asyncio
class Shout(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, address):
        self.transport.sendto(data.upper(), address)
async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Shout, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
)");
  const int port = std::stoi(peer.read_line());
  loop_.run([&]() -> Coro<> {
    const SocketAddress address =
        SocketAddress::from_numeric("127.0.0.1", static_cast<std::uint16_t>(port));
    const auto [client, recorder] = co_await open_to(address);
    for (const char* data : {"one", "two"}) client->sendto(data);
    co_await until([&, &recorder = recorder] { return recorder->received.size() == 2; });
    EXPECT_THAT(recorder->received, ElementsAre("ONE", "TWO"));
  });
}

TEST_F(DatagramEndpointTest, UnixSocketsAreNamedByTheirPath) {
  const std::string ours = temporary("ours");
  const std::string theirs = temporary("theirs");
  loop_.run([&]() -> Coro<> {
    DatagramOptions options;
    options.family = AF_UNIX;
    options.local_addr = HostPort{theirs, 0};
    const auto [server, answering] = co_await open(options);
    options.local_addr = HostPort{ours, 0};
    options.remote_addr = HostPort{theirs, 0};
    const auto [client, asking] = co_await open(options);
    client->sendto("question");
    co_await until([&, &answering = answering] { return !answering->received.empty(); });
    EXPECT_EQ(answering->last_sender.path(), ours);
    server->sendto("answer", answering->last_sender);
    co_await until([&, &asking = asking] { return !asking->received.empty(); });
    EXPECT_THAT(asking->received, ElementsAre("answer"));
  });
}

TEST_F(DatagramEndpointTest, ASocketFileThatNobodyUsesIsReplacedAndOneInUseIsNot) {
  const std::string path = temporary("stale");
  DatagramOptions options;
  options.family = AF_UNIX;
  options.local_addr = HostPort{path, 0};
  {
    const Socket killed = Socket::open(AF_UNIX, SOCK_DGRAM);
    killed.bind(SocketAddress::from_path(path));
  }
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] = co_await open(options);
    EXPECT_EQ(transport->sockname().path(), path);
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await open(options); });
    EXPECT_THAT(text_of(error), HasSubstr("Address already in use"));
  });
}

TEST_F(DatagramEndpointTest, AnOrdinaryFileInTheWayStays) {
  const std::string path = temporary("ordinary");
  FileDescriptor file(check(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600), "open"));
  DatagramOptions options;
  options.family = AF_UNIX;
  options.local_addr = HostPort{path, 0};
  EXPECT_THAT(text_of(failure(options)), HasSubstr("Address already in use"));
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
}

TEST_F(DatagramEndpointTest, WithoutAnAddressAFamilyIsNeeded) {
  EXPECT_EQ(text_of(failure(DatagramOptions())), "unexpected address family");
  loop_.run([]() -> Coro<> {
    DatagramOptions options;
    options.family = AF_INET;
    const auto [transport, protocol] = co_await open(options);
    EXPECT_EQ(transport->sockname().port(), 0) << "the system chooses when something is sent";
  });
}

TEST_F(DatagramEndpointTest, TwoAddressesMustHaveAFamilyInCommon) {
  DatagramOptions options;
  options.local_addr = HostPort{"127.0.0.1", 0};
  options.remote_addr = HostPort{"::1", 9};
  const std::exception_ptr error = failure(options);
  EXPECT_TRUE(holds<std::invalid_argument>(error));
  EXPECT_EQ(text_of(error), "can not get address information");
}

TEST_F(DatagramEndpointTest, AnAddressThatIsTakenIsAnErrorAndNothingStaysOpen) {
  loop_.run([]() -> Coro<> {
    const auto [transport, protocol] = co_await open_at("127.0.0.1");
    const std::uint16_t port = transport->sockname().port();
    const OpenDescriptors before;
    DatagramOptions options;
    options.local_addr = HostPort{"127.0.0.1", port};
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await open(options); });
    EXPECT_THAT(text_of(error), HasSubstr("Address already in use"));
    EXPECT_THAT(before.opened_since(), IsEmpty());
  });
}

TEST_F(DatagramEndpointTest, ConnectingToWhereNoRouteLeadsIsAnErrorAndNothingStaysOpen) {
  const OpenDescriptors before;
  DatagramOptions options;
  options.remote_addr = HostPort{"255.255.255.255", 9};  // a broadcast, without permission
  EXPECT_TRUE(holds<OsError>(failure(options)));
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

TEST_F(DatagramEndpointTest, AFamilyThatTheSystemDoesNotHaveIsAnError) {
  DatagramOptions options;
  options.family = AF_MAX - 1;
  EXPECT_TRUE(holds<OsError>(failure(options)));
}

TEST_F(DatagramEndpointTest, OptionsAreOffUnlessAskedFor) {
  loop_.run([]() -> Coro<> {
    DatagramOptions options;
    options.local_addr = HostPort{"127.0.0.1", 0};
    for (const bool on : {false, true}) {
      options.reuse_port = on;
      options.allow_broadcast = on;
      const auto [transport, protocol] = co_await open(options);
      const auto socket = std::any_cast<TransportSocket>(transport->get_extra_info("socket"));
      EXPECT_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEPORT) != 0, on);
      EXPECT_EQ(socket.getsockopt(SOL_SOCKET, SO_BROADCAST) != 0, on);
      EXPECT_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
    }
  });
}

TEST_F(DatagramEndpointTest, WithReusePortSeveralShareAnAddress) {
  loop_.run([]() -> Coro<> {
    DatagramOptions options;
    options.local_addr = HostPort{"127.0.0.1", 0};
    options.reuse_port = true;
    const auto [first, one] = co_await open(options);
    options.local_addr = HostPort{"127.0.0.1", first->sockname().port()};
    const auto [second, two] = co_await open(options);
    EXPECT_EQ(first->sockname(), second->sockname());
  });
}

TEST_F(DatagramEndpointTest, ABroadcastEndpointHasADestinationAndHearsAnybody) {
  loop_.run([]() -> Coro<> {
    const auto [server, answering] = co_await open_at("0.0.0.0");
    DatagramOptions options;
    options.remote_addr = HostPort{"127.255.255.255", server->sockname().port()};
    options.allow_broadcast = true;
    const auto [client, asking] = co_await open(options);
    EXPECT_EQ(client->peername(), SocketAddress()) << "it is not connected";
    client->sendto("anybody?");
    co_await until([&, &answering = answering] { return !answering->received.empty(); });
    const auto [other, third] = co_await open_at("127.0.0.1");
    const SocketAddress address =
        SocketAddress::from_numeric("127.0.0.1", client->sockname().port());
    other->sendto("me", address);
    co_await until([&, &asking = asking] { return !asking->received.empty(); });
    EXPECT_THAT(asking->received, ElementsAre("me"));
  });
}

TEST_F(DatagramEndpointTest, AReadySocketIsTakenOver) {
  loop_.run([]() -> Coro<> {
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    const SocketAddress address = socket.getsockname();
    const auto [transport, protocol] =
        co_await create_datagram_endpoint(std::make_unique<DatagramRecorder>, std::move(socket));
    EXPECT_EQ(transport->sockname(), address);
    transport->sendto("to itself", address);
    co_await until([&, &protocol = protocol] { return !protocol->received.empty(); });
  });
}

TEST_F(DatagramEndpointTest, ASocketOfAStreamIsRefused) {
  Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  EXPECT_THROW(static_cast<void>(
                   create_datagram_endpoint(std::make_shared<DatagramRecorder>, std::move(socket))),
               std::invalid_argument);
}

TEST_F(DatagramEndpointTest, WhatTheFactoryThrowsPassesAndTheSocketIsClosed) {
  const OpenDescriptors before;
  DatagramOptions options;
  options.family = AF_INET;
  const auto text_of_failure = [&](auto factory) {
    return loop_.run([&]() -> Coro<std::string> {
      co_return text_of(co_await failure_of(
          [&]() -> Coro<> { co_await create_datagram_endpoint(factory, options); }));
    });
  };
  EXPECT_EQ(text_of_failure([]() -> std::shared_ptr<DatagramRecorder> {
              throw std::runtime_error("no protocol");
            }),
            "no protocol");
  EXPECT_EQ(text_of_failure([] { return std::shared_ptr<DatagramRecorder>(); }),
            "the protocol factory returned null");
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

TEST_F(DatagramEndpointTest, CancelledInAnyTurnNothingStaysOpen) {
  for (int turn = 0; turn < 4; ++turn) {
    const OpenDescriptors before;
    loop_.run([&]() -> Coro<> {
      Task<> opening = create_task([]() -> Coro<> {
        const auto [transport, protocol] = co_await open_at("127.0.0.1");
        transport->close();
      });
      co_await turns(turn);
      opening.cancel();
      co_await error_of(opening);
      co_await turns(3);
    });
    EXPECT_THAT(before.opened_since(), IsEmpty()) << "cancelled after " << turn << " turns";
  }
}

}  // namespace
}  // namespace asyncio
