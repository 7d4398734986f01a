#include "asyncio/transports/unix_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
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
#include "asyncio/transports/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

std::shared_ptr<Recorder> make_recorder() { return std::make_shared<Recorder>(); }

// Listens at a path of its own, or at a name that is none of the file system's.
class UnixListener {
 public:
  explicit UnixListener(std::string path)
      : path_(std::move(path)), socket_(Socket::open(AF_UNIX, SOCK_STREAM)) {
    ::unlink(path_.c_str());  // what an earlier run has left
    socket_.bind(SocketAddress::from_path(path_));
    socket_.listen(100);
  }

  const std::string& path() const { return path_; }
  int fileno() const { return socket_.fileno(); }
  Peer accept_now() const {
    return Peer(
        FileDescriptor(check(::accept4(fileno(), nullptr, nullptr, SOCK_CLOEXEC), "accept")));
  }

 private:
  const std::string path_;
  const Socket socket_;
};

class CreateUnixConnectionTest : public ::testing::Test {
 protected:
  std::string path_in_folder(std::string_view name) const {
    return ::testing::TempDir() + "/" + std::string(name);
  }

  // What the call throws.
  template <class Target>
  std::exception_ptr failure(Target target) {
    return loop_.run([&]() -> Coro<std::exception_ptr> {
      return failure_of(
          [&]() -> Coro<> { co_await create_unix_connection(make_recorder, std::move(target)); });
    });
  }

  WatchedLoop loop_;
};

TEST_F(CreateUnixConnectionTest, ConnectsToAPath) {
  const UnixListener listener(path_in_folder("connects"));
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_unix_connection(make_recorder, listener.path());
    EXPECT_EQ(protocol->calls, Calls{"made"});
    EXPECT_EQ(transport->peername().path(), listener.path());
    Peer peer = listener.accept_now();
    transport->write("question");
    EXPECT_EQ(co_await peer.recv(), "question");
    peer.send("answer");
    peer.close();
    co_await until([&] { return protocol->lost; });
    EXPECT_EQ(protocol->received, "answer");
  });
}

TEST_F(CreateUnixConnectionTest, ConnectsToAnAbstractNameOfAllItsBytes) {
  using std::string_literals::operator""s;
  const UnixListener listener("\0asyncio\0test "s + path_in_folder("name"));
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_unix_connection(make_recorder, listener.path());
    EXPECT_EQ(transport->peername().path(), listener.path());
    transport->close();
  });
}

TEST_F(CreateUnixConnectionTest, ThePathIsCopiedWhenItIsCalled) {
  const UnixListener listener(path_in_folder("copied"));
  loop_.run([&]() -> Coro<> {
    auto path = std::make_unique<std::string>(listener.path());
    auto connecting = create_task(create_unix_connection(make_recorder, *path));
    path.reset();
    const auto [transport, protocol] = co_await connecting;
    transport->close();
  });
}

TEST_F(CreateUnixConnectionTest, WhereNobodyListensItIsTheSystemsError) {
  const OpenDescriptors before;
  EXPECT_TRUE(holds<FileNotFoundError>(failure(path_in_folder("nobody"))));
  const std::string path = path_in_folder("gone");
  {
    const UnixListener listener(path);
  }
  const std::exception_ptr error = failure(path);
  EXPECT_TRUE(holds<ConnectionRefusedError>(error));
  EXPECT_EQ(text_of(error), "connect to " + path + ": Connection refused");
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateUnixConnectionTest, APathThatIsTooLongIsRefusedWhole) {
  EXPECT_TRUE(holds<std::invalid_argument>(failure(std::string(200, 'x'))));
}

TEST_F(CreateUnixConnectionTest, APreparedSocketIsTakenOver) {
  std::array<int, 2> fds;
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), "socketpair");
  Socket ours{FileDescriptor(fds[0])};
  const Peer peer{FileDescriptor(fds[1])};
  loop_.run([&]() -> Coro<> {
    const auto [transport, protocol] =
        co_await create_unix_connection(make_recorder, std::move(ours));
    transport->write("question");
    EXPECT_EQ(co_await peer.recv(), "question");
    transport->close();
  });
}

TEST_F(CreateUnixConnectionTest, ASocketOfAnotherFamilyOrTypeIsRefusedAndClosed) {
  const OpenDescriptors before;
  for (const auto& [family, type] : {std::pair(AF_INET, SOCK_STREAM), {AF_UNIX, SOCK_DGRAM}}) {
    const std::exception_ptr error = failure(Socket::open(family, type));
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_THAT(text_of(error),
                ::testing::StartsWith("A UNIX Domain Stream Socket was expected, got"));
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(CreateUnixConnectionTest, WhatTheFactoryThrowsPassesAndTheSocketIsClosed) {
  const UnixListener listener(path_in_folder("factory"));
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw std::runtime_error("no protocol"); };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await create_unix_connection(factory, listener.path()); });
    EXPECT_EQ(text_of(error), "no protocol");
    EXPECT_EQ(co_await listener.accept_now().recv(), "");
  });
}

TEST_F(CreateUnixConnectionTest, CancelledInAnyTurnItLeavesNothingOpen) {
  const UnixListener listener(path_in_folder("cancelled"));
  bool succeeded = false;
  for (int turn = 0; !succeeded; ++turn) {
    const OpenDescriptors before;
    loop_.run([&]() -> Coro<> {
      auto connect = [&]() -> Coro<> {
        const auto [transport, protocol] =
            co_await create_unix_connection(make_recorder, listener.path());
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

}  // namespace
}  // namespace asyncio
