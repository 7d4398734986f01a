#include "asyncio/transports/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <any>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/with.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport_socket.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

using Clients = std::vector<std::shared_ptr<Recorder>>;

bool is_close_on_exec(int fd) { return (check(::fcntl(fd, F_GETFD), "fcntl") & FD_CLOEXEC) != 0; }

class ServerTest : public ::testing::Test {
 protected:
  // A server that keeps its connections' protocols in clients_.
  Coro<Server> serve(ServerOptions options = ServerOptions(), std::uint16_t port = 0) {
    return create_server([this] { return clients_.emplace_back(std::make_shared<Recorder>()); },
                         "127.0.0.1", port, options);
  }

  static SocketAddress address_of(const Server& server) {
    return server.sockets()[0].getsockname();
  }

  // A client that the server has accepted.
  Coro<Peer> connect(const Server* server) {
    const std::size_t before = clients_.size();
    Peer peer = Peer::connect(address_of(*server));
    co_await until([&] { return clients_.size() > before && !clients_.back()->calls.empty(); });
    co_return std::move(peer);
  }

  WatchedLoop loop_;
  Clients clients_;
};

TEST_F(ServerTest, ListensOnAFreePortAndJoinsEveryClientToAProtocolOfItsOwn) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    EXPECT_TRUE(server.is_serving());
    EXPECT_EQ(&server.get_loop(), &loop_);
    EXPECT_EQ(server.sockets().size(), 1u);
    EXPECT_NE(address_of(server).port(), 0);
    EXPECT_EQ(address_of(server).host(), "127.0.0.1");

    Peer first = co_await connect(&server);
    Peer second = co_await connect(&server);
    first.send("one");
    second.send("two");
    co_await until(
        [&] { return clients_[0]->received == "one" && clients_[1]->received == "two"; });
    clients_[1]->transport->write("answer");
    EXPECT_EQ(co_await second.recv(), "answer");
    EXPECT_EQ(clients_[0]->transport->sockname(), address_of(server));
  });
}

TEST_F(ServerTest, WithoutAHostItListensOnEveryInterfaceOfBothFamilies) {
  loop_.run([&]() -> Coro<> {
    auto factory = [this] { return clients_.emplace_back(std::make_shared<Recorder>()); };
    const Server server = co_await create_server(factory, "", 0);
    EXPECT_EQ(server.sockets().size(), 2u);
    for (const TransportSocket& socket : server.sockets()) {
      const SocketAddress address = socket.getsockname();
      EXPECT_NE(address.port(), 0);
      const std::size_t before = clients_.size();
      const char* host = address.family() == AF_INET ? "127.0.0.1" : "::1";
      const Peer peer = Peer::connect(SocketAddress::from_numeric(host, address.port()));
      co_await until([&] { return clients_.size() == before + 1; });
    }
  });
}

TEST_F(ServerTest, BothFamiliesMayShareAPort) {
  const std::uint16_t port = unused_port();
  loop_.run([&]() -> Coro<> {
    auto factory = [this] { return clients_.emplace_back(std::make_shared<Recorder>()); };
    const Server server = co_await create_server(factory, "", port);
    EXPECT_EQ(server.sockets().size(), 2u);
    for (const TransportSocket& socket : server.sockets())
      EXPECT_EQ(socket.getsockname().port(), port);
    const ServerOptions v6{.family = AF_INET6};
    const Server one = co_await create_server(factory, "", 0, v6);
    EXPECT_EQ(one.sockets().size(), 1u);
    EXPECT_EQ(one.sockets()[0].getsockname().family(), AF_INET6);
  });
}

TEST_F(ServerTest, APortInUseIsAnErrorThatNamesTheAddressAndLeavesNothingOpen) {
  const Listener listener;
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await serve(ServerOptions(), listener.port()); });
    EXPECT_TRUE(holds<OsError>(error));
    EXPECT_EQ(text_of(error), "error while attempting to bind on address " +
                                  listener.address().to_string() + ": Address already in use");
    co_await turns(2);
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(ServerTest, AnAddressThatIsNotOursOrCannotBeResolvedIsAnError) {
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::make_shared<Recorder>(); };
    const std::exception_ptr not_ours = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await create_server(factory, "192.0.2.1", 0); });
    EXPECT_TRUE(holds<OsError>(not_ours));
    EXPECT_EQ(
        text_of(not_ours),
        "could not bind on any address out of [192.0.2.1:0]: Cannot assign requested address");
    const std::exception_ptr unknown = co_await failure_of([&]() -> Coro<> {
      const Server never = co_await create_server(factory, "no-such-host.invalid", 0);
    });
    EXPECT_TRUE(holds<ResolveError>(unknown));
  });
}

TEST_F(ServerTest, SocketsOfAServerAndItsConnectionsAreNotInherited) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer peer = co_await connect(&server);
    EXPECT_TRUE(is_close_on_exec(server.sockets()[0].fileno()));
    EXPECT_TRUE(is_close_on_exec(clients_[0]->transport->fileno()));
  });
}

TEST_F(ServerTest, APortIsSharedByServersThatAskForIt) {
  loop_.run([&]() -> Coro<> {
    const ServerOptions shared{.reuse_port = true};
    const Server first = co_await serve(shared);
    EXPECT_NE(first.sockets()[0].getsockopt(SOL_SOCKET, SO_REUSEPORT), 0);
    EXPECT_NE(first.sockets()[0].getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
    const Server second = co_await serve(shared, address_of(first).port());
    EXPECT_EQ(address_of(second), address_of(first));

    const ServerOptions alone{.reuse_address = false};
    const Server third = co_await serve(alone);
    EXPECT_EQ(third.sockets()[0].getsockopt(SOL_SOCKET, SO_REUSEPORT), 0);
    EXPECT_EQ(third.sockets()[0].getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
  });
}

TEST_F(ServerTest, ListensOnSeveralHosts) {
  loop_.run([&]() -> Coro<> {
    auto factory = [this] { return clients_.emplace_back(std::make_shared<Recorder>()); };
    const std::array<std::string_view, 3> hosts = {"127.0.0.1", "127.0.0.2", "::1"};
    const Server server = co_await create_server(factory, hosts, 0);
    std::vector<std::string> names;
    for (const TransportSocket& socket : server.sockets()) {
      names.push_back(socket.getsockname().host());
      const std::size_t before = clients_.size();
      const Peer peer = Peer::connect(socket.getsockname());
      co_await until([&] { return clients_.size() == before + 1; });
    }
    EXPECT_THAT(names, ::testing::ElementsAre("127.0.0.1", "127.0.0.2", "::1"));
  });
}

TEST_F(ServerTest, AHostThatIsNamedMoreThanOnceIsBoundOnce) {
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::make_shared<Recorder>(); };
    for (const std::string_view host : {"127.0.0.1", "::1"}) {
      const std::array<std::string_view, 3> hosts = {host, host, host};
      const Server server = co_await create_server(factory, hosts, unused_port(host));
      EXPECT_EQ(server.sockets().size(), 1u);
    }
  });
}

TEST_F(ServerTest, OneOfSeveralHostsThatCannotBeResolvedIsAnError) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::make_shared<Recorder>(); };
    const std::array<std::string_view, 2> hosts = {"127.0.0.1", "not a name"};
    const std::exception_ptr unknown = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await create_server(factory, hosts, 0); });
    EXPECT_TRUE(holds<ResolveError>(unknown));
    const std::span<const std::string_view> none;
    const std::exception_ptr nowhere = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await create_server(factory, none, 0); });
    EXPECT_EQ(text_of(nowhere),
              "could not bind on any address out of []: Cannot assign requested address");
  });
  EXPECT_THAT(before.still_open(), ::testing::IsEmpty());
}

TEST_F(ServerTest, APortMayBeAServicesNameAndFlagsReachTheResolver) {
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::make_shared<Recorder>(); };
    const ServerOptions local{.family = AF_INET, .flags = 0};
    const Server server = co_await create_server(factory, "", "0", local);
    EXPECT_EQ(address_of(server).host(), "127.0.0.1") << "without AI_PASSIVE";
  });
}

TEST_F(ServerTest, ItsConnectionsInheritKeepAlive) {
  for (const bool keep_alive : {false, true}) {
    clients_.clear();
    loop_.run([&]() -> Coro<> {
      const ServerOptions options{.keep_alive = keep_alive};
      const Server server = co_await serve(options);
      const Peer peer = co_await connect(&server);
      const auto socket =
          std::any_cast<TransportSocket>(clients_[0]->transport->get_extra_info("socket"));
      EXPECT_EQ(socket.getsockopt(SOL_SOCKET, SO_KEEPALIVE) != 0, keep_alive);
    });
  }
}

// The socket is a view: see transport_socket.h.
TEST_F(ServerTest, ItsSocketsMayBeLookedAtAlsoWhenItIsClosedOrGone) {
  std::optional<TransportSocket> socket;
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server = co_await serve();
    socket = server->sockets()[0];
    EXPECT_EQ(socket->type(), SOCK_STREAM);
    EXPECT_FALSE(socket->get_inheritable());
    EXPECT_THROW(socket->settimeout(1s), std::invalid_argument);
    EXPECT_THROW(socket->setblocking(true), std::invalid_argument);
    const FileDescriptor copy = socket->dup();
    EXPECT_GE(copy.get(), 0);
    server->close();
    EXPECT_EQ(socket->fileno(), -1);
    EXPECT_THROW(static_cast<void>(socket->type()), OsError);
    server.reset();
    EXPECT_EQ(socket->fileno(), -1);
  });
}

// A peer that has gone before it is accepted cannot be asked for its address any more.
TEST_F(ServerTest, APeersAddressIsKnownAlsoIfItHasGoneAlready) {
  loop_.run([&]() -> Coro<> {
    SocketAddress address;
    clients_.clear();
    auto factory = [&] {
      auto client = std::make_shared<Recorder>();
      client->on_made = [&, client = client.get()] { address = client->transport->peername(); };
      return clients_.emplace_back(client);
    };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    Peer peer = Peer::connect(address_of(server));
    peer.reset();
    co_await until([&] { return clients_.size() == 1 && clients_[0]->lost; });
    EXPECT_EQ(address.host(), "127.0.0.1");
    EXPECT_EQ(server.refused(), 0u);
  });
}

// A socket that is there already.

TEST_F(ServerTest, ServesASocketThatIsBound) {
  loop_.run([&]() -> Coro<> {
    auto factory = [this] { return clients_.emplace_back(std::make_shared<Recorder>()); };
    Socket socket = Socket::open(AF_INET, SOCK_STREAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    const SocketAddress address = socket.getsockname();
    const ServerOptions not_yet{.start_serving = false};
    const Server server = co_await create_server(factory, std::move(socket), not_yet);
    EXPECT_EQ(address_of(server), address);
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
    co_await server.start_serving();
    const Peer peer = co_await connect(&server);
    server.close();
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
  });
}

TEST_F(ServerTest, ServesASocketThatListensAndWhoIsWaitingAlready) {
  loop_.run([&]() -> Coro<> {
    auto factory = [this] { return clients_.emplace_back(std::make_shared<Recorder>()); };
    Socket socket = Socket::open(AF_INET, SOCK_STREAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    socket.listen(5);
    const Peer early = Peer::connect(socket.getsockname());
    early.send("hello");
    const Server server = co_await create_server(factory, std::move(socket));
    co_await until([&] { return !clients_.empty() && clients_[0]->received == "hello"; });
  });
}

TEST_F(ServerTest, RefusesASocketOfAnotherKindAndClosesIt) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::make_shared<Recorder>(); };
    Socket datagrams = Socket::open(AF_INET, SOCK_DGRAM);
    const std::string number = std::to_string(datagrams.fileno());
    const std::exception_ptr error = co_await failure_of([&]() -> Coro<> {
      const Server never = co_await create_server(factory, std::move(datagrams));
    });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "A Stream Socket was expected, got descriptor " + number);
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

// Starting.

TEST_F(ServerTest, NotStartedItRefusesClientsUntilItIs) {
  loop_.run([&]() -> Coro<> {
    const ServerOptions not_yet{.start_serving = false};
    const Server server = co_await serve(not_yet);
    EXPECT_FALSE(server.is_serving());
    EXPECT_THROW(Peer::connect(address_of(server)), ConnectionRefusedError);
    const int before = loop_.turns();
    co_await server.start_serving();
    EXPECT_EQ(loop_.turns() - before, 1);
    EXPECT_TRUE(server.is_serving());
    co_await server.start_serving();
    const Peer peer = co_await connect(&server);
    EXPECT_EQ(clients_.size(), 1u);
  });
}

TEST_F(ServerTest, StartServingAfterCloseIsRefused) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    server.close();
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await server.start_serving(); });
    EXPECT_TRUE(holds<std::runtime_error>(error));
    EXPECT_EQ(text_of(error), "server is closed");
  });
}

TEST_F(ServerTest, AServerThatCannotListenDoesNotServeAndMayTryAgain) {
  loop_.run([&]() -> Coro<> {
    const ServerOptions not_yet{.start_serving = false};
    const Server first = co_await serve(not_yet);
    const Server second = co_await serve(not_yet, address_of(first).port());
    co_await first.start_serving();
    for (int i = 0; i < 2; ++i) {
      const std::exception_ptr error =
          co_await failure_of([&]() -> Coro<> { co_await second.start_serving(); });
      EXPECT_TRUE(holds<OsError>(error));
      EXPECT_FALSE(second.is_serving());
    }
    first.close();
    co_await second.start_serving();
    EXPECT_TRUE(second.is_serving());
    const Peer peer = co_await connect(&second);
  });
}

TEST_F(ServerTest, AsManyClientsAsTheBacklogHoldsAreAcceptedAtOnce) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    std::vector<Peer> peers;
    for (int i = 0; i < 100; ++i) peers.push_back(Peer::connect(address_of(server)));
    co_await turns(3);
    EXPECT_EQ(clients_.size(), 100u);
  });
}

TEST_F(ServerTest, WithABacklogOfZeroOrOneAllClientsAreAccepted) {
  loop_.run([&]() -> Coro<> {
    for (const int backlog : {0, 1}) {
      clients_.clear();
      const ServerOptions options{.backlog = backlog};
      const Server server = co_await serve(options);
      std::vector<Peer> peers;
      for (int i = 0; i <= backlog; ++i) peers.push_back(Peer::connect(address_of(server)));
      co_await turns(3);
      EXPECT_EQ(clients_.size(), peers.size());
    }
  });
}

TEST_F(ServerTest, MoreClientsThanOneTurnAcceptsAreAcceptedInTheNext) {
  loop_.run([&]() -> Coro<> {
    const ServerOptions small{.backlog = 4};
    const Server server = co_await serve(small);
    std::vector<Peer> peers;
    for (int i = 0; i < 50; ++i) {
      peers.push_back(Peer::connect(address_of(server)));
      if (i % 4 == 3) co_await turns(3);
    }
    co_await until([&] { return clients_.size() == 50; });
  });
}

// The factory.

TEST_F(ServerTest, ConnectionsThatAreAbortedAreSkippedWithoutAReport) {
  EXPECT_EQ(exit_code_of([] {
              WatchedLoop loop;
              bool serving = false;
              loop.run([&]() -> Coro<> {
                auto factory = [] { return std::make_shared<Recorder>(); };
                const Server server = co_await create_server(factory, "127.0.0.1", 0);
                const Peer peer = Peer::connect(address_of(server));
                refuse_system_call(SYS_accept4, ECONNABORTED);
                co_await turns(3);
                serving = server.is_serving();
              });
              return serving && loop.reports().empty() ? 0 : 1;
            }),
            0);
}

TEST_F(ServerTest, AFactoryThatThrowsCostsItsClientButNobodyElse) {
  loop_.run([&]() -> Coro<> {
    int calls = 0;
    auto factory = [&]() -> std::shared_ptr<Recorder> {
      if (++calls == 1) throw std::runtime_error("no protocol");
      return clients_.emplace_back(std::make_shared<Recorder>());
    };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    const Peer unlucky = Peer::connect(address_of(server));
    const Peer lucky = Peer::connect(address_of(server));
    EXPECT_EQ(co_await unlucky.recv(), "");
    co_await until([&] { return clients_.size() == 1; });
    lucky.send("x");
    co_await until([&] { return clients_[0]->received == "x"; });
  });
  EXPECT_TRUE(loop_.reports().empty()) << "in debug mode only";
}

TEST_F(ServerTest, AFactoryThatThrowsIsReportedInDebugMode) {
  loop_.set_debug(true);
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw std::runtime_error("no protocol"); };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    const Peer unlucky = Peer::connect(address_of(server));
    EXPECT_EQ(co_await unlucky.recv(), "");
  });
  EXPECT_EQ(loop_.reports(),
            Calls{"Error on transport creation for incoming connection: no protocol"});
}

TEST_F(ServerTest, AFactoryThatReturnsNullIsReportedAndItsClientIsClosed) {
  loop_.run([&]() -> Coro<> {
    auto factory = [] { return std::shared_ptr<Recorder>(); };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    const Peer unlucky = Peer::connect(address_of(server));
    EXPECT_EQ(co_await unlucky.recv(), "");
    EXPECT_TRUE(server.is_serving());
  });
  EXPECT_EQ(loop_.reports(), Calls{"Error on transport creation for incoming connection: the "
                                   "factory made no protocol"});
}

TEST_F(ServerTest, AFatalErrorInTheFactoryLeavesTheLoop) {
  std::optional<Server> server;
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw SystemExit(3); };
    server = co_await create_server(factory, "127.0.0.1", 0);
  });
  const Peer peer = Peer::connect(address_of(*server));
  EXPECT_THROW(loop_.run_forever(), SystemExit);
}

TEST_F(ServerTest, AFactoryMayCloseAndEvenDropItsServer) {
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server;
    auto factory = [&] {
      server.reset();
      return clients_.emplace_back(std::make_shared<Recorder>());
    };
    server = co_await create_server(factory, "127.0.0.1", 0);
    const SocketAddress address = address_of(*server);
    const Peer first = Peer::connect(address);
    const Peer second = Peer::connect(address);
    co_await until([&] { return clients_.size() == 1 && !clients_[0]->calls.empty(); });
    first.send("x");
    co_await until([&] { return clients_[0]->received == "x"; });
    EXPECT_EQ(clients_.size(), 1u) << "the second one found nobody";
  });
  EXPECT_TRUE(loop_.reports().empty());
}

// Ending.

TEST_F(ServerTest, CloseStopsListeningAndLeavesConnectionsAlone) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const SocketAddress address = address_of(server);
    const Peer peer = co_await connect(&server);
    server.close();
    server.close();
    EXPECT_FALSE(server.is_serving());
    EXPECT_TRUE(server.sockets().empty());
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
    co_await turns(3);
    peer.send("still here");
    co_await until([&] { return clients_[0]->received == "still here"; });
    clients_[0]->transport->write("so am I");
    EXPECT_EQ(co_await peer.recv(), "so am I");
  });
}

TEST_F(ServerTest, ItsPortIsFreeAgainAfterClose) {
  loop_.run([&]() -> Coro<> {
    const Server first = co_await serve();
    const std::uint16_t port = address_of(first).port();
    const Peer peer = co_await connect(&first);
    first.close();
    const Server second = co_await serve(ServerOptions(), port);
    EXPECT_EQ(address_of(second).port(), port);
  });
}

TEST_F(ServerTest, DroppingItStopsListeningAndLeavesConnectionsAlone) {
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server = co_await serve();
    const SocketAddress address = address_of(*server);
    const Peer peer = co_await connect(&*server);
    server.reset();
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
    peer.send("x");
    co_await until([&] { return clients_[0]->received == "x"; });
  });
}

TEST_F(ServerTest, AssigningToItStopsTheOneItWas) {
  loop_.run([&]() -> Coro<> {
    Server server = co_await serve();
    const SocketAddress first = address_of(server);
    server = co_await serve();
    EXPECT_TRUE(server.is_serving());
    EXPECT_THROW(Peer::connect(first), ConnectionRefusedError);
    const Peer peer = co_await connect(&server);
  });
}

TEST_F(ServerTest, WaitClosedReturnsAfterCloseAndTheEndOfTheLastConnection) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    Peer first = co_await connect(&server);
    Peer second = co_await connect(&server);
    auto waiting = create_task(server.wait_closed());
    auto waiting_too = create_task(server.wait_closed());
    auto leaving = create_task(server.wait_closed());
    co_await turns(5);
    EXPECT_FALSE(waiting.done()) << "it is open";
    leaving.cancel();
    server.close();
    co_await turns(5);
    EXPECT_TRUE(leaving.cancelled());
    EXPECT_FALSE(waiting.done()) << "two connections are left";
    first.close();
    co_await until([&] { return clients_[0]->lost; });
    co_await turns(5);
    EXPECT_FALSE(waiting.done()) << "one connection is left";
    second.close();
    co_await waiting;
    co_await waiting_too;
    EXPECT_TRUE(clients_[1]->lost);
    const int before = loop_.turns();
    co_await server.wait_closed();
    EXPECT_EQ(loop_.turns(), before) << "it is over already";
  });
}

TEST_F(ServerTest, WaitClosedReturnsWhenTheConnectionsEndBeforeTheServer) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    Peer peer = co_await connect(&server);
    auto waiting = create_task(server.wait_closed());
    peer.close();
    co_await until([&] { return clients_[0]->lost; });
    co_await turns(5);
    EXPECT_FALSE(waiting.done());
    server.close();
    co_await waiting;
  });
}

TEST_F(ServerTest, WaitClosedReturnsWhenServerAndLastConnectionEndInTheSameTurn) {
  for (const bool client_first : {false, true}) {
    clients_.clear();
    loop_.run([&]() -> Coro<> {
      const Server server = co_await serve();
      const Peer peer = co_await connect(&server);
      auto waiting = create_task(server.wait_closed());
      co_await turns(2);
      if (client_first) clients_[0]->transport->abort();
      server.close();
      if (!client_first) clients_[0]->transport->abort();
      co_await waiting;
    });
  }
}

TEST_F(ServerTest, AConnectionWhoseLastCallbackThrowsIsNotWaitedFor) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    Peer peer = co_await connect(&server);
    clients_[0]->on_lost = [] { throw std::runtime_error("oops"); };
    server.close();
    peer.close();
    co_await server.wait_closed();
  });
  EXPECT_EQ(loop_.reports(), Calls{"Exception in callback: oops"});
}

TEST_F(ServerTest, CloseClientsClosesEveryConnectionAfterWhatIsBuffered) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer first = co_await connect(&server);
    const Peer second = co_await connect(&server);
    const std::string much = noise(8 << 20);
    clients_[0]->transport->write(much);
    server.close_clients();
    EXPECT_TRUE(server.is_serving());
    EXPECT_TRUE(co_await first.recv_all() == much);
    EXPECT_EQ(co_await second.recv_all(), "");
  });
}

TEST_F(ServerTest, AbortClientsEndsEvenAStuckConnection) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer stuck = co_await connect(&server);
    clients_[0]->transport->write(std::string(32 << 20, 'x'));
    server.close();
    server.close_clients();
    co_await turns(10);
    EXPECT_FALSE(clients_[0]->lost);
    server.abort_clients();
    co_await server.wait_closed();
    EXPECT_TRUE(clients_[0]->lost);
  });
}

TEST_F(ServerTest, ClientsMayEndEachOtherWhileAllAreAborted) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    std::vector<Peer> peers;
    for (int i = 0; i < 10; ++i) peers.push_back(co_await connect(&server));
    for (const auto& client : clients_) {
      client->on_lost = [&] { server.abort_clients(); };
    }
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    for (const auto& client : clients_) EXPECT_EQ(client->calls, (Calls{"made", "lost"}));
  });
}

TEST_F(ServerTest, AsAContextItIsClosedAndWaitedFor) {
  loop_.run([&]() -> Coro<> {
    std::optional<Peer> peer;
    Server made = co_await serve();
    const SocketAddress address = address_of(made);
    co_await with(std::move(made), [&](Server& server) -> Coro<> {
      EXPECT_TRUE(server.is_serving());
      peer.emplace(co_await connect(&server));
      loop_.call_later(20ms, [&] { peer->close(); });
    });
    EXPECT_TRUE(clients_[0]->lost);
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
  });
}

// shutdown().

TEST_F(ServerTest, ShutdownLetsConnectionsEndByThemselvesAndSaysHowManyDid) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const SocketAddress address = address_of(server);
    Peer first = co_await connect(&server);
    Peer second = co_await connect(&server);
    auto ending = create_task(server.shutdown(1h));
    co_await turns(3);
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
    first.send("still served");
    co_await until([&] { return clients_[0]->received == "still served"; });
    first.close();
    co_await turns(3);
    EXPECT_FALSE(ending.done());
    second.close();
    const ShutdownCounts counts = co_await ending;
    EXPECT_EQ(counts, (ShutdownCounts{.finished = 2, .aborted = 0}));
  });
}

TEST_F(ServerTest, ShutdownAbortsWhoeverIsLeftWhenTheGraceIsOver) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    Peer leaves = co_await connect(&server);
    const Peer stays = co_await connect(&server);
    const Peer stuck = co_await connect(&server);
    clients_[2]->transport->write(std::string(32 << 20, 'x'));
    clients_[2]->transport->close();
    const TimePoint begin = loop_.time();
    auto ending = create_task(server.shutdown(50ms));
    leaves.close();
    const ShutdownCounts counts = co_await ending;
    EXPECT_EQ(counts, (ShutdownCounts{.finished = 1, .aborted = 2}));
    EXPECT_GE(loop_.time() - begin, 50ms);
    for (const auto& client : clients_) EXPECT_TRUE(client->lost);
    EXPECT_EQ(stays.recv_now(), "");
  });
}

TEST_F(ServerTest, ShutdownWithoutGraceAbortsAtOnceAndWithoutClientsIsOverAtOnce) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer peer = co_await connect(&server);
    const ShutdownCounts counts = co_await server.shutdown(0s);
    EXPECT_EQ(counts, (ShutdownCounts{.finished = 0, .aborted = 1}));
    const ShutdownCounts again = co_await server.shutdown(Duration::infinite());
    EXPECT_EQ(again, ShutdownCounts());
  });
}

TEST_F(ServerTest, AShutdownThatIsCancelledAbortsTheRestAtOnce) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer peer = co_await connect(&server);
    auto ending = create_task(server.shutdown(Duration::infinite()));
    co_await turns(3);
    EXPECT_FALSE(clients_[0]->lost);
    ending.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(ending)));
    EXPECT_TRUE(clients_[0]->lost);
    EXPECT_FALSE(server.is_serving());
  });
}

// serve_forever().

TEST_F(ServerTest, ServeForeverGivesAClientThatNeverReadsAGraceAndNoMore) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever(50ms));
    const Peer stuck = co_await connect(&server);
    clients_[0]->transport->write(std::string(32 << 20, 'x'));
    const TimePoint begin = loop_.time();
    serving.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(serving)));
    EXPECT_GE(loop_.time() - begin, 50ms);
    EXPECT_TRUE(clients_[0]->lost);
  });
}

TEST_F(ServerTest, ServeForeverSendsWhatIsBufferedToClientsThatRead) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever());
    const Peer peer = co_await connect(&server);
    const std::string much = noise(16 << 20);
    clients_[0]->transport->write(much);
    serving.cancel();
    EXPECT_TRUE(co_await peer.recv_all() == much);
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(serving)));
  });
}

TEST_F(ServerTest, CancelledOnceMoreServeForeverWaitsForNobody) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever(Duration::infinite()));
    const Peer stuck = co_await connect(&server);
    clients_[0]->transport->write(std::string(32 << 20, 'x'));
    serving.cancel();
    co_await turns(10);
    EXPECT_FALSE(serving.done());
    serving.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(serving)));
    EXPECT_TRUE(clients_[0]->lost);
  });
}

TEST_F(ServerTest, ServeForeverServesUntilCancelledAndThenClosesItsConnections) {
  loop_.run([&]() -> Coro<> {
    const ServerOptions not_yet{.start_serving = false};
    const Server server = co_await serve(not_yet);
    const SocketAddress address = address_of(server);
    auto serving = create_task(server.serve_forever());
    co_await turns(3);
    EXPECT_TRUE(server.is_serving());
    const Peer silent = co_await connect(&server);
    serving.cancel("enough");
    const std::exception_ptr error = co_await error_of(serving);
    EXPECT_TRUE(holds<CancelledError>(error));
    EXPECT_TRUE(clients_[0]->lost) << "it waits for their end";
    EXPECT_EQ(silent.recv_now(), "");
    EXPECT_FALSE(server.is_serving());
    EXPECT_THROW(Peer::connect(address), ConnectionRefusedError);
  });
}

TEST_F(ServerTest, ServeForeverEndsCancelledWhenTheServerIsClosed) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever());
    const Peer peer = co_await connect(&server);
    server.close();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(serving)));
    EXPECT_TRUE(clients_[0]->lost);
  });
}

TEST_F(ServerTest, ServeForeverMayBeEndedByAClient) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever());
    const Peer peer = co_await connect(&server);
    clients_[0]->on_data = [&] { serving.cancel(); };
    peer.send("stop");
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(serving)));
    EXPECT_EQ(clients_[0]->calls, (Calls{"made", "data", "lost"}));
  });
}

TEST_F(ServerTest, ASecondServeForeverIsRefusedAndSoIsOneAfterClose) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    auto serving = create_task(server.serve_forever());
    co_await turns(2);
    const std::exception_ptr second =
        co_await failure_of([&]() -> Coro<> { co_await server.serve_forever(); });
    EXPECT_TRUE(holds<std::runtime_error>(second));
    EXPECT_EQ(text_of(second), "server is already being awaited on serve_forever()");
    EXPECT_FALSE(serving.done());
    server.close();
    co_await error_of(serving);
    const std::exception_ptr closed =
        co_await failure_of([&]() -> Coro<> { co_await server.serve_forever(); });
    EXPECT_EQ(text_of(closed), "server is closed");
  });
}

TEST_F(ServerTest, DestroyedInServeForeverWithItsLoopItLeavesNothingBehind) {
  const OpenDescriptors before;
  {
    auto loop = std::make_unique<WatchedLoop>();
    auto main = [&]() -> Coro<> {
      const Server server = co_await serve();
      co_await server.serve_forever();
    };
    loop->run([&]() -> Coro<> {
      static_cast<void>(create_task(main));
      co_await turns(5);
    });
    loop->close();
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(ServerTest, ItMayOutliveItsLoop) {
  const OpenDescriptors before;
  {
    auto loop = std::make_unique<WatchedLoop>();
    std::optional<Server> server;
    std::optional<Peer> peer;
    loop->run([&]() -> Coro<> {
      server = co_await serve();
      peer.emplace(co_await connect(&*server));
    });
    loop.reset();
    EXPECT_EQ(clients_[0]->calls.size(), 2u) << "made and lost";
    server->close();
    server.reset();
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(ServerTest, NothingStaysOpenAfterManyConnections) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    for (int i = 0; i < 100; ++i) {
      Peer peer = co_await connect(&server);
      if (i % 3 == 0) clients_.back()->transport->abort();
      if (i % 3 == 1) peer.reset();
    }
    server.close();
    server.close_clients();
    co_await server.wait_closed();
  });
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
  EXPECT_TRUE(loop_.reports().empty());
}

// Out of descriptors.

// Takes all descriptors that this process may have, until it goes.
class NoDescriptors {
 public:
  NoDescriptors() {
    check(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
    rlimit lower = before_;
    lower.rlim_cur = 256;
    check(::setrlimit(RLIMIT_NOFILE, &lower), "setrlimit");
    while (true) {
      FileDescriptor copy(::dup(STDERR_FILENO));
      if (!copy.valid()) break;
      taken_.push_back(std::move(copy));
    }
    EXPECT_EQ(last_error(), EMFILE);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() {
    taken_.clear();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<FileDescriptor> taken_;
};

TEST_F(ServerTest, OutOfDescriptorsItReportsOncePausesForASecondAndThenGoesOn) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer before = co_await connect(&server);
    const Peer first = Peer::connect(address_of(server));
    const Peer second = Peer::connect(address_of(server));
    auto none_left = std::make_unique<NoDescriptors>();
    const TimePoint begin = loop_.time();
    const int turns_before = loop_.turns();
    const std::clock_t cpu_before = std::clock();
    co_await turns(3);
    EXPECT_EQ(loop_.reports(),
              Calls{"socket.accept() out of system resource: accept: Too many open files"});
    EXPECT_TRUE(server.is_serving());
    before.send("others go on");
    while (clients_[0]->received.empty()) co_await turns(1);
    co_await sleep(500ms);
    EXPECT_LT(loop_.turns() - turns_before, 20) << "it must not spin";
    none_left.reset();
    EXPECT_EQ(clients_.size(), 1u);
    while (clients_.size() < 3) co_await sleep(10ms);
    EXPECT_GE(loop_.time() - begin, 1s);
    EXPECT_LT(loop_.time() - begin, 10s);
    EXPECT_LT(std::clock() - cpu_before, CLOCKS_PER_SEC / 2);
    EXPECT_EQ(loop_.reports().size(), 1u);
    second.send("hello");
    co_await until([&] { return clients_[2]->received == "hello"; });
  });
}

TEST_F(ServerTest, ClosedWhileItPausesItDoesNotComeBack) {
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server = co_await serve();
    const Peer waiting = Peer::connect(address_of(*server));
    {
      const NoDescriptors none_left;
      co_await turns(3);
      EXPECT_EQ(loop_.reports().size(), 1u);
    }
    server.reset();
    co_await sleep(1100ms);
    EXPECT_TRUE(clients_.empty());
    EXPECT_EQ(loop_.reports().size(), 1u);
  });
}

TEST_F(ServerTest, TheHandlerThatIsToldMayDropTheServer) {
  loop_.run([&]() -> Coro<> {
    std::optional<Server> server = co_await serve();
    const Peer waiting = Peer::connect(address_of(*server));
    loop_.set_exception_handler([&](EventLoop&, const ExceptionContext&) { server.reset(); });
    const NoDescriptors none_left;
    co_await until([&] { return !server.has_value(); });
    co_await turns(3);
  });
}

TEST_F(ServerTest, ItMayOutliveItsLoopWhileItPauses) {
  auto loop = std::make_unique<WatchedLoop>();
  std::optional<Server> server;
  loop->run([&]() -> Coro<> {
    server = co_await serve();
    const Peer waiting = Peer::connect(address_of(*server));
    const NoDescriptors none_left;
    co_await turns(3);
    EXPECT_EQ(loop->reports().size(), 1u);
  });
  loop.reset();
  server.reset();
}

}  // namespace
}  // namespace asyncio
