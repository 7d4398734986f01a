#include "transports/src/accept_loop.h"

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <utility>
#include <vector>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio::internal {
namespace {

class AcceptLoopTest : public testing::Test, protected AcceptLoop::Acceptor {
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
  Coro<std::vector<std::size_t>> batches(int count) {
    std::vector<std::size_t> batches;
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

using Batches = std::vector<std::size_t>;

TEST_F(AcceptLoopTest, AcceptsAsManyATurnAsMayBeWaitingAndOneMore) {
  listen(2, 7);
  loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await batches(4), (Batches{3, 3, 1, 0})); });
  EXPECT_EQ(accepted_[0].peer.host(), "127.0.0.1");
  EXPECT_NE(accepted_[0].peer, accepted_[1].peer);
}

TEST_F(AcceptLoopTest, AcceptsOneATurnIfNoneMayWait) {
  for (const int backlog : {0, -1}) {
    listen(backlog, 2);
    loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await batches(3), (Batches{1, 1, 0})); });
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
  loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await batches(2), (Batches{2, 0})); });
}

TEST_F(AcceptLoopTest, MayBeDroppedInTheMiddleOfABatch) {
  listen(10, 5);
  on_accepted_ = [&] {
    if (accept_loop_ == nullptr) return;
    accept_loop_->close();
    accept_loop_.reset();
  };
  loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await batches(2), (Batches{1, 0})); });
}

TEST_F(AcceptLoopTest, GoesOnNextTurnAfterAnAcceptorThatThrows) {
  listen(10, 3);
  on_accepted_ = [&] {
    if (accepted_.size() == 1) throw std::runtime_error("oops");
  };
  loop_.run([&]() -> Coro<> { EXPECT_EQ(co_await batches(2), (Batches{1, 2})); });
  EXPECT_EQ(loop_.reports(), std::vector<std::string>{"Exception in callback: oops"});
}

}  // namespace
}  // namespace asyncio::internal
