#include "asyncio/transports/unix_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/peer_credentials.h"
#include "asyncio/transports/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/python_peer.h"
#include "transports/test/recorder.h"
#include "transports/test/temporary_folder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

mode_t mode_of(const std::string& path) {
  struct stat status{};
  check(::stat(path.c_str(), &status), "stat");
  return status.st_mode & 07777;
}

class UnixServerTest : public ::testing::Test {
 protected:
  Coro<Server> serve(std::string_view path, UnixServerOptions options = UnixServerOptions()) {
    return create_unix_server(
        [this] { return clients_.emplace_back(std::make_shared<Recorder>()); }, path, options);
  }

  Coro<Server> serve(Socket socket, UnixServerOptions options = UnixServerOptions()) {
    return create_unix_server(
        [this] { return clients_.emplace_back(std::make_shared<Recorder>()); }, std::move(socket),
        options);
  }

  static Peer connect(std::string_view path) {
    return Peer::connect(SocketAddress::from_path(path));
  }

  static Socket bound(const std::string& path) {
    Socket socket = Socket::open(AF_UNIX, SOCK_STREAM);
    socket.bind(SocketAddress::from_path(path));
    return socket;
  }

  // A client of `path` reaches the server, as its client number `which`.
  Coro<> expect_served(std::string path, std::size_t which) {
    const Peer peer = connect(path);
    peer.send("hello");
    co_await until([&] { return clients_.size() > which && clients_[which]->received == "hello"; });
    clients_[which]->transport->write("answer");
    EXPECT_EQ(co_await peer.recv(), "answer");
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path_of("socket");
  WatchedLoop loop_;
  std::vector<std::shared_ptr<Recorder>> clients_;
};

TEST_F(UnixServerTest, ServesItsPathAndRemovesItWhenClosed) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(path_);
    EXPECT_TRUE(server.is_serving());
    EXPECT_EQ(server.sockets().size(), 1u);
    EXPECT_EQ(server.sockets()[0].getsockname().path(), path_);
    EXPECT_EQ(server.sockets()[0].family(), AF_UNIX);
    co_await expect_served(path_, 0);
    EXPECT_EQ(clients_[0]->transport->sockname().path(), path_);
    EXPECT_EQ(clients_[0]->transport->peername().path(), "");
    server.close();
    EXPECT_THAT(folder_.names(), IsEmpty());
    EXPECT_THROW(connect(path_), FileNotFoundError);
  });
}

TEST_F(UnixServerTest, DroppingItRemovesItsPathToo) {
  loop_.run([&]() -> Coro<> {
    {
      const Server server = co_await serve(path_);
    }
    EXPECT_THAT(folder_.names(), IsEmpty());
  });
}

TEST_F(UnixServerTest, APythonClientIsServed) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(path_);
    PythonPeer client(R"(
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"hello")
sys.exit(0 if s.makefile("rb").read() == b"answer" else 1)
)",
                      path_);
    co_await until([&] { return !clients_.empty() && clients_[0]->received == "hello"; });
    clients_[0]->transport->write("answer");
    clients_[0]->transport->close();
    co_await until([&] { return client.has_ended(); });
    EXPECT_EQ(client.wait(), 0);
  });
}

TEST_F(UnixServerTest, AnAbstractNameIsOfNoFile) {
  const std::string name = "\0asyncio\0test "s + folder_.path();
  loop_.run([&]() -> Coro<> {
    {
      const Server server = co_await serve(name);
      EXPECT_EQ(server.sockets()[0].getsockname().path(), name);
      co_await expect_served(name, 0);
      const std::exception_ptr error = co_await failure_of(
          [&]() -> Coro<> { const Server never = co_await serve(std::string_view(name)); });
      EXPECT_TRUE(text_of(error).starts_with("Address '@asyncio"));
    }
    EXPECT_THROW(connect(name), ConnectionRefusedError);
    const Server again = co_await serve(name);
  });
}

TEST_F(UnixServerTest, APathIsAsLongAsTheSystemAllowsAndNotLonger) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    const std::string longest = folder_.path_of(std::string(107 - folder_.path().size() - 1, 'x'));
    const Server server = co_await serve(longest);
    EXPECT_EQ(server.sockets()[0].getsockname().path(), longest);
    const std::string too_long = longest + "x";
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await serve(std::string_view(too_long)); });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    const std::exception_ptr empty =
        co_await failure_of([&]() -> Coro<> { const Server never = co_await serve(""); });
    EXPECT_EQ(text_of(empty), "path was not specified, and no sock specified");
  });
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

// What is there already.

TEST_F(UnixServerTest, ReplacesWhatAServerThatDiedHasLeft) {
  bound(path_);
  loop_.run([&]() -> Coro<> {
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
    const Server server = co_await serve(path_);
    co_await expect_served(path_, 0);
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
  });
}

TEST_F(UnixServerTest, TakesThePathOverFromAServerThatLivesAndIsNotRobbedOfItWhenThatOneCloses) {
  loop_.run([&]() -> Coro<> {
    const Server old = co_await serve(path_);
    co_await expect_served(path_, 0);
    const Peer kept = connect(path_);
    co_await until([&] { return clients_.size() == 2; });
    const Server successor = co_await serve(path_);
    old.close();
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
    co_await expect_served(path_, 2);
    kept.send("still here");
    co_await until([&] { return clients_[1]->received == "still here"; });
  });
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(UnixServerTest, AnythingElseInTheWayIsInUseAndStays) {
  const OpenDescriptors before;
  const std::string file = folder_.path_of("file");
  const std::string link = folder_.path_of("link");
  std::ofstream(file) << "precious";
  std::filesystem::create_symlink(path_, link);
  loop_.run([&]() -> Coro<> {
    for (const std::string& taken : {file, link, folder_.path()}) {
      const std::exception_ptr error = co_await failure_of(
          [&]() -> Coro<> { const Server never = co_await serve(std::string_view(taken)); });
      EXPECT_TRUE(holds<OsError>(error));
      EXPECT_EQ(text_of(error),
                "Address '" + taken + "' is already in use: Address already in use");
    }
  });
  EXPECT_THAT(folder_.names(), ElementsAre("file", "link"));
  EXPECT_EQ(std::filesystem::file_size(file), 8u);
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

TEST_F(UnixServerTest, APathThatCannotBeMadeIsAnErrorAndLeavesNothingOpen) {
  const OpenDescriptors before;
  const std::string nowhere = folder_.path_of("no/such/folder");
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { const Server never = co_await serve(std::string_view(nowhere)); });
    EXPECT_TRUE(holds<FileNotFoundError>(error));
  });
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

// Cleaning up.

TEST_F(UnixServerTest, APathThatHasGoneAlreadyIsFine) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(path_);
    ::unlink(path_.c_str());
    server.close();
  });
  EXPECT_THAT(folder_.names(), IsEmpty());
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(UnixServerTest, APathThatSomebodyHasReplacedIsLeftToThem) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(path_);
    ::unlink(path_.c_str());
    const Socket other = bound(path_);
    server.close();
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
  });
}

TEST_F(UnixServerTest, ThePathStaysIfThatIsAskedFor) {
  loop_.run([&]() -> Coro<> {
    const UnixServerOptions keep{.cleanup_socket = false};
    const Server server = co_await serve(path_, keep);
    server.close();
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
    const Server adopted = co_await serve(bound(folder_.path_of("other")), keep);
    adopted.close();
    EXPECT_THAT(folder_.names(), ElementsAre("other", "socket"));
  });
}

// Options.

TEST_F(UnixServerTest, NotStartedItRefusesClientsUntilItIs) {
  loop_.run([&]() -> Coro<> {
    const UnixServerOptions not_yet{.start_serving = false};
    const Server server = co_await serve(path_, not_yet);
    EXPECT_THROW(connect(path_), ConnectionRefusedError);
    co_await server.start_serving();
    co_await expect_served(path_, 0);
  });
}

TEST_F(UnixServerTest, TheFileHasTheModeAskedForWhateverTheUmask) {
  loop_.run([&]() -> Coro<> {
    for (const mode_t umask : {0000, 0022, 0777}) {
      for (const mode_t mode : {0600, 0660, 0777}) {
        const mode_t before = ::umask(umask);
        absl::Cleanup restore = [before] { ::umask(before); };
        const UnixServerOptions options{.mode = mode};
        const Server server = co_await serve(path_, options);
        EXPECT_EQ(mode_of(path_), mode);
      }
    }
    const mode_t before = ::umask(0027);
    absl::Cleanup restore = [before] { ::umask(before); };
    const Server server = co_await serve(path_);
    EXPECT_EQ(mode_of(path_), 0750u);
  });
}

TEST_F(UnixServerTest, AClientsCredentialsAreKnown) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(path_);
    const Peer peer = connect(path_);
    co_await until([&] { return clients_.size() == 1 && clients_[0]->transport != nullptr; });
    const PeerCredentials me{.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
    EXPECT_EQ(peer_credentials(clients_[0]->transport->fileno()), me);
  });
}

// A socket that is there already.

TEST_F(UnixServerTest, ServesASocketThatIsBoundAndRemovesItsPath) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve(bound(path_));
    EXPECT_EQ(server.sockets()[0].getsockname().path(), path_);
    co_await expect_served(path_, 0);
    server.close();
    EXPECT_THAT(folder_.names(), IsEmpty());
  });
}

TEST_F(UnixServerTest, ServesASocketThatListensAndWhoIsWaitingAlready) {
  loop_.run([&]() -> Coro<> {
    Socket socket = bound(path_);
    socket.listen(5);
    const Peer early = connect(path_);
    const Server server = co_await serve(std::move(socket));
    early.send("hello");
    co_await until([&] { return !clients_.empty() && clients_[0]->received == "hello"; });
  });
}

TEST_F(UnixServerTest, RefusesSocketsOfAnotherKind) {
  const OpenDescriptors before;
  loop_.run([&]() -> Coro<> {
    for (const auto& [family, type] :
         {std::pair(AF_INET, SOCK_STREAM), std::pair(AF_UNIX, SOCK_DGRAM)}) {
      Socket wrong = Socket::open(family, type);
      const std::string number = std::to_string(wrong.fileno());
      const std::exception_ptr error = co_await failure_of(
          [&]() -> Coro<> { const Server never = co_await serve(std::move(wrong)); });
      EXPECT_TRUE(holds<std::invalid_argument>(error));
      EXPECT_EQ(text_of(error),
                "A UNIX Domain Stream Socket was expected, got descriptor " + number);
    }
  });
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

}  // namespace
}  // namespace asyncio
