#include "asyncio/transports/transport_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "asyncio/selectors/os_error.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"

namespace asyncio {
namespace {

class TransportSocketTest : public ::testing::Test {
 protected:
  Ends ends_ = connected_ends();
  std::shared_ptr<Socket> socket_ = std::make_shared<Socket>(std::move(ends_.ours));
  TransportSocket view_{socket_};
};

TEST_F(TransportSocketTest, KnowsWhatTheSocketIs) {
  EXPECT_EQ(view_.fileno(), socket_->fileno());
  EXPECT_EQ(view_.family(), AF_INET);
  EXPECT_EQ(view_.type(), SOCK_STREAM);
  EXPECT_EQ(view_.proto(), IPPROTO_TCP);
  EXPECT_EQ(view_.getsockname(), socket_->getsockname());
  EXPECT_EQ(view_.getpeername(), socket_->getpeername());
  EXPECT_FALSE(view_.get_inheritable());
}

TEST_F(TransportSocketTest, SetsAndReadsOptions) {
  view_.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
  EXPECT_NE(view_.getsockopt(IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST_F(TransportSocketTest, ShutsDownADirection) {
  view_.shutdown(SHUT_WR);
  EXPECT_EQ(ends_.peer.recv_now(), "");
}

TEST_F(TransportSocketTest, ADuplicateIsTheCallersAndStaysOpen) {
  const FileDescriptor copy = view_.dup();
  EXPECT_NE(copy.get(), view_.fileno());
  socket_->close();
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(TransportSocketTest, ItNeverWaitsAndCannotBeMadeTo) {
  EXPECT_EQ(view_.gettimeout().count(), 0);
  EXPECT_NO_THROW(view_.settimeout(std::chrono::seconds(0)));
  EXPECT_THROW(view_.settimeout(std::chrono::seconds(1)), std::invalid_argument);
  EXPECT_NO_THROW(view_.setblocking(false));
  EXPECT_THROW(view_.setblocking(true), std::invalid_argument);
}

TEST_F(TransportSocketTest, OnceTheSocketIsClosedOrGoneItNamesNoOther) {
  socket_->close();
  EXPECT_EQ(view_.fileno(), -1);
  EXPECT_THROW(view_.getsockopt(SOL_SOCKET, SO_TYPE), OsError);
  socket_.reset();
  EXPECT_EQ(view_.fileno(), -1);
  EXPECT_EQ(view_.getsockname(), SocketAddress());
  EXPECT_EQ(view_.getpeername(), SocketAddress());
  EXPECT_THROW(view_.dup(), OsError);
}

}  // namespace
}  // namespace asyncio
