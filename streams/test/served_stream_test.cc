#include "streams/src/served_stream.h"

#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/futures/waiter.h"
#include "asyncio/streams/client_handler.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio::internal {
namespace {

using Reports = std::vector<std::string>;

class ServedStreamTest : public ::testing::Test {
 protected:
  // Has one client served by `function`.
  template <class F>
  Peer serve(F function) {
    Ends ends = connected_ends();
    auto handler = std::make_shared<HandlerOf<F>>(std::move(function), here_);
    handler_ = handler;
    SocketTransport::start(loop_, std::move(ends.ours),
                           std::make_shared<ServedStream>(loop_, 1024, std::move(handler)),
                           nullptr);
    return Peer(std::move(ends.peer));
  }

  WatchedLoop loop_;
  std::weak_ptr<ClientHandler> handler_;
  const std::source_location here_ = std::source_location::current();
};

TEST_F(ServedStreamTest, TheTaskNamesTheLineOfTheServer) {
  loop_.run([&]() -> Coro<> {
    std::vector<std::source_location> lines;
    const Peer peer =
        serve([&](StreamReader, StreamWriter) { lines = current_task()->get_stack(); });
    co_await peer.recv_all();
    EXPECT_EQ(lines.size(), 1U);
  });
}

TEST_F(ServedStreamTest, WhatIsThrownIsReportedTheTurnAfter) {
  int thrown_in = 0;
  int reported_in = 0;
  loop_.after_turn([&] {
    if (reported_in == 0 && !loop_.reports().empty()) reported_in = loop_.turns();
  });
  loop_.run([&]() -> Coro<> {
    const Peer peer = serve([&](StreamReader, StreamWriter) {
      thrown_in = loop_.turns();
      throw std::runtime_error("oops");
    });
    co_await peer.recv_all();
  });
  EXPECT_GT(thrown_in, 0);
  EXPECT_EQ(reported_in, thrown_in + 1);
  EXPECT_EQ(loop_.reports(), Reports{"Unhandled exception in client_connected_cb: oops"});
}

TEST_F(ServedStreamTest, WhatIsThrownAfterTheConnectionIsLostIsReportedStill) {
  loop_.run([&]() -> Coro<> {
    Waiter go_on;
    bool waits = false;
    Peer peer = serve([&](StreamReader reader, StreamWriter writer) -> Coro<> {
      co_await reader.read();
      writer.close();
      co_await writer.wait_closed();
      waits = true;
      co_await go_on;
      throw std::runtime_error("too late");
    });
    peer.close();
    co_await until([&] { return waits; });
    go_on.wake();
    co_await until([&] { return !loop_.reports().empty(); });
  });
  EXPECT_EQ(loop_.reports(), Reports{"Unhandled exception in client_connected_cb: too late"});
}

TEST_F(ServedStreamTest, TheHandlerGoesWithItsLastClient) {
  loop_.run([&]() -> Coro<> {
    std::optional<Peer> peer =
        serve([](StreamReader reader, StreamWriter) -> Coro<> { co_await reader.read(); });
    co_await turns(5);
    EXPECT_FALSE(handler_.expired());
    peer.reset();
    co_await until([&] { return handler_.expired(); });
  });
}

TEST_F(ServedStreamTest, ALoopThatClosesDestroysWhoServesAndWhoIsServed) {
  std::optional<Peer> peer;
  bool gone = false;
  {
    WatchedLoop loop;
    struct Flag {
      ~Flag() { *gone = true; }
      bool* gone;
    };
    auto wait = [&](StreamReader reader, StreamWriter) -> Coro<> {
      const Flag flag{&gone};
      co_await reader.read();
    };
    Ends ends = connected_ends();
    auto handler = std::make_shared<HandlerOf<decltype(wait)>>(wait, here_);
    handler_ = handler;
    loop.run([&]() -> Coro<> {
      SocketTransport::start(loop, std::move(ends.ours),
                             std::make_shared<ServedStream>(loop, 1024, std::move(handler)),
                             nullptr);
      co_await turns(5);
    });
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
  EXPECT_TRUE(handler_.expired());
}

}  // namespace
}  // namespace asyncio::internal
