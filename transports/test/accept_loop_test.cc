#include "transports/src/accept_loop.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/handle.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio::internal {
namespace {

using Batches = std::vector<std::size_t>;

class AcceptLoopTest : public ::testing::Test, protected AcceptLoop::Acceptor {
 protected:
  // An accept loop and `count` clients that wait for it.
  void listen(int backlog, int count) {
    Socket socket = Socket::open(AF_INET, SOCK_STREAM);
    socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    AcceptLoop::Acceptor& acceptor = *this;
    accept_loop_ = std::make_shared<AcceptLoop>(loop_, std::move(socket), backlog, acceptor,
                                                std::source_location::current());
    accept_loop_->listen();
    const Socket& listener = *accept_loop_->socket();
    listener.listen(count);  // the queue may be longer than the batch
    for (int i = 0; i < count; ++i) clients_.push_back(Peer::connect(listener.getsockname()));
  }

  // How many are accepted in each turn.
  Coro<Batches> accept_for(int count) {
    Batches batches;
    accept_loop_->start();
    co_await turns(1);  // the loop looks at descriptors after what is due already
    for (int i = 0; i < count; ++i) {
      const std::size_t before = accepted_.size();
      co_await turns(1);
      batches.push_back(accepted_.size() - before);
    }
    co_return batches;
  }

  void accepted(ConnectedSocket connection) override {
    accepted_.push_back(std::move(connection));
    if (on_accepted_) on_accepted_();
  }

  std::vector<Peer> clients_;
  std::vector<ConnectedSocket> accepted_;
  std::function<void()> on_accepted_;
  WatchedLoop loop_;
  std::shared_ptr<AcceptLoop> accept_loop_;
};

TEST_F(AcceptLoopTest, AcceptsAsManyATurnAsMayBeWaitingAndOneMore) {
  listen(2, 7);
  loop_.run([&]() -> Coro<> {
    const Batches batches = co_await accept_for(4);
    EXPECT_EQ(batches, (Batches{3, 3, 1, 0}));
  });
  EXPECT_EQ(accepted_[0].peer.host(), "127.0.0.1");
  EXPECT_NE(accepted_[0].peer, accepted_[1].peer);
}

TEST_F(AcceptLoopTest, AcceptsOneATurnIfNoneMayWait) {
  for (const int backlog : {0, -1}) {
    listen(backlog, 2);
    loop_.run([&]() -> Coro<> {
      const Batches batches = co_await accept_for(3);
      EXPECT_EQ(batches, (Batches{1, 1, 0}));
    });
  }
}

TEST_F(AcceptLoopTest, AcceptsNobodyBeforeItIsStartedNorAfterItIsClosed) {
  listen(2, 2);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    EXPECT_TRUE(accepted_.empty());
    accept_loop_->start();
    accept_loop_->close();
    accept_loop_->close();
    co_await turns(2);
    EXPECT_TRUE(accepted_.empty());
    EXPECT_EQ(accept_loop_->socket()->fileno(), -1);
  });
}

TEST_F(AcceptLoopTest, MayBeClosedInTheMiddleOfABatch) {
  listen(10, 5);
  on_accepted_ = [&] {
    if (accepted_.size() == 2) accept_loop_->close();
  };
  loop_.run([&]() -> Coro<> {
    const Batches batches = co_await accept_for(2);
    EXPECT_EQ(batches, (Batches{2, 0}));
  });
}

TEST_F(AcceptLoopTest, MayBeDroppedInTheMiddleOfABatch) {
  listen(10, 5);
  on_accepted_ = [&] {
    if (accept_loop_ == nullptr) return;
    accept_loop_->close();
    accept_loop_.reset();
  };
  loop_.run([&]() -> Coro<> {
    const Batches batches = co_await accept_for(2);
    EXPECT_EQ(batches, (Batches{1, 0}));
  });
}

TEST_F(AcceptLoopTest, GoesOnNextTurnAfterAnAcceptorThatThrows) {
  listen(10, 3);
  on_accepted_ = [&] {
    if (accepted_.size() == 1) throw std::runtime_error("oops");
  };
  loop_.run([&]() -> Coro<> {
    const Batches batches = co_await accept_for(2);
    EXPECT_EQ(batches, (Batches{1, 2}));
  });
  EXPECT_EQ(loop_.reports(), std::vector<std::string>{"Exception in callback: oops"});
}

// Refuses to watch anything as long as it is told to.
class FullLoop final : public WatchedLoop {
 public:
  void add_reader(int fd, Callback callback, std::source_location where) override {
    if (full) throw_os_error(ENOMEM, "epoll_ctl");
    WatchedLoop::add_reader(fd, std::move(callback), where);
  }

  bool full = false;
};

// In this process nothing can be opened until it goes.
class NoNewDescriptors {
 public:
  NoNewDescriptors() {
    check(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    check(::setrlimit(RLIMIT_NOFILE, &none), "setrlimit");
  }
  NoNewDescriptors(const NoNewDescriptors&) = delete;
  NoNewDescriptors& operator=(const NoNewDescriptors&) = delete;
  ~NoNewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// UBSan checks the type of an object by a pipe, unless it has seen the type before: here it sees
// those of a pause.
Coro<> show_types_to_sanitizer(EventLoop& loop) {
  EXPECT_EQ(OsError(EMFILE, "accept").error_number(), EMFILE);
  EXPECT_EQ(text_of(make_os_error(EMFILE, "accept")), "accept: Too many open files");
  const Handle timer = loop.call_later(std::chrono::milliseconds(1), [] {});
  co_await sleep(std::chrono::milliseconds(2));
}

TEST(AcceptLoopPauseTest, GoesOnPausingAsLongAsItCannotBeWatched) {
  struct Acceptor final : AcceptLoop::Acceptor {
    void accepted(ConnectedSocket) override { ++count; }
    int count = 0;
  } acceptor;
  FullLoop loop;
  Socket socket = Socket::open(AF_INET, SOCK_STREAM);
  socket.bind(SocketAddress::from_numeric("127.0.0.1", 0));
  const auto accept_loop = std::make_shared<AcceptLoop>(loop, std::move(socket), 1, acceptor,
                                                        std::source_location::current());
  accept_loop->listen();
  const Peer peer = Peer::connect(accept_loop->socket()->getsockname());
  loop.run([&]() -> Coro<> {
    co_await show_types_to_sanitizer(loop);
    accept_loop->start();
    {
      const NoNewDescriptors none;
      co_await until([&] { return !loop.reports().empty(); });
    }
    loop.full = true;
    co_await until([&] { return loop.reports().size() == 2; });
    loop.full = false;
    co_await until([&] { return acceptor.count == 1; });
  });
  EXPECT_EQ(loop.reports(),
            (std::vector<std::string>{
                "socket.accept() out of system resource: accept: Too many open files",
                "socket.accept() out of system resource: epoll_ctl: Cannot allocate memory"}));
}

}  // namespace
}  // namespace asyncio::internal
