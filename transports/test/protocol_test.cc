#include "asyncio/transports/protocol.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

// Receives into a buffer of its own, far too small for most messages.
class SmallBuffer : public BufferedProtocol {
 public:
  std::span<char> get_buffer(std::size_t size_hint) override {
    hints.push_back(size_hint);
    if (fail_in_get_buffer) throw std::runtime_error("no buffer");
    if (on_get_buffer) on_get_buffer();
    return std::span<char>(buffer).first(room);
  }
  void buffer_updated(std::size_t size) override {
    largest = std::max(largest, size);
    received.append(buffer.data(), size);
    if (fail_in_buffer_updated) throw std::runtime_error("no use for it");
    if (on_data) on_data();
  }
  bool eof_received() override {
    eof = true;
    if (on_eof) on_eof();
    return stays_open;
  }
  void pause_writing() override {
    ++times_paused;
    if (on_pause) on_pause();
  }
  void resume_writing() override { ++times_resumed; }
  void connection_lost(std::exception_ptr why) override {
    ++times_lost;
    error = std::move(why);
  }

  std::array<char, 16> buffer{};
  std::size_t room = 16;
  std::vector<std::size_t> hints;
  std::string received;
  std::size_t largest = 0;
  bool eof = false;
  bool stays_open = false;  // what eof_received() answers
  int times_paused = 0;
  int times_resumed = 0;
  int times_lost = 0;
  std::exception_ptr error;
  bool fail_in_get_buffer = false;
  bool fail_in_buffer_updated = false;
  std::function<void()> on_get_buffer;
  std::function<void()> on_eof;
  std::function<void()> on_pause;
  std::function<void()> on_data;
};

class ProtocolTest : public ::testing::Test {
 protected:
  std::shared_ptr<SocketTransport> start(std::shared_ptr<BufferedProtocol> protocol) {
    return SocketTransport::start(loop_, std::move(ends_.ours), std::move(protocol), nullptr);
  }

  WatchedLoop loop_;
  Ends ends_ = connected_ends();
  Peer& peer_ = ends_.peer;
};

TEST_F(ProtocolTest, EveryCallbackOfEveryProtocolHasAHarmlessDefault) {
  Protocol plain;
  BufferedProtocol buffered;
  DatagramProtocol datagrams;
  const auto transport = start(std::make_shared<Protocol>());
  for (BufferedProtocol* protocol : {static_cast<BufferedProtocol*>(&plain), &buffered}) {
    protocol->connection_made(*transport);
    EXPECT_FALSE(protocol->eof_received());
  }
  for (BaseProtocol* protocol :
       {static_cast<BaseProtocol*>(&plain), static_cast<BaseProtocol*>(&buffered),
        static_cast<BaseProtocol*>(&datagrams)}) {
    protocol->pause_writing();
    protocol->resume_writing();
    protocol->connection_lost(nullptr);
  }
  plain.data_received("x");
  EXPECT_TRUE(buffered.get_buffer(1).empty()) << "which ends a connection";
  buffered.buffer_updated(1);
  datagrams.datagram_received("x", SocketAddress());
  datagrams.error_received(nullptr);
}

TEST_F(ProtocolTest, ABufferedProtocolReceivesIntoItsOwnBufferAndNoMoreThanFits) {
  const auto protocol = std::make_shared<SmallBuffer>();
  start(protocol);
  const std::string sent = noise(10'000);
  loop_.run([&]() -> Coro<> {
    peer_.send(sent);
    peer_.close();
    co_await until([&] { return protocol->times_lost > 0; });
  });
  EXPECT_EQ(protocol->received, sent);
  EXPECT_EQ(protocol->largest, 16u);
  EXPECT_TRUE(protocol->eof);
  EXPECT_EQ(protocol->times_lost, 1);
  EXPECT_EQ(protocol->error, nullptr);
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(ProtocolTest, AnEmptyBufferIsReportedAndEndsTheConnection) {
  const auto protocol = std::make_shared<SmallBuffer>();
  protocol->room = 0;
  start(protocol);
  loop_.run([&]() -> Coro<> {
    peer_.send("x");
    co_await until([&] { return protocol->times_lost > 0; });
  });
  EXPECT_EQ(text_of(protocol->error), "get_buffer() returned an empty buffer");
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol.get_buffer() call failed.: get_buffer() "
                                   "returned an empty buffer"});
}

TEST_F(ProtocolTest, AnExceptionInGetBufferIsReportedAndEndsTheConnection) {
  const auto protocol = std::make_shared<SmallBuffer>();
  protocol->fail_in_get_buffer = true;
  start(protocol);
  loop_.run([&]() -> Coro<> {
    peer_.send("x");
    co_await until([&] { return protocol->times_lost > 0; });
  });
  EXPECT_EQ(text_of(protocol->error), "no buffer");
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol.get_buffer() call failed.: no buffer"});
}

TEST_F(ProtocolTest, AnExceptionInBufferUpdatedIsReportedAndEndsTheConnection) {
  const auto protocol = std::make_shared<SmallBuffer>();
  protocol->fail_in_buffer_updated = true;
  start(protocol);
  loop_.run([&]() -> Coro<> {
    peer_.send("x");
    co_await until([&] { return protocol->times_lost > 0; });
  });
  EXPECT_EQ(text_of(protocol->error), "no use for it");
  EXPECT_EQ(loop_.reports(),
            Calls{"Fatal error: protocol.buffer_updated() call failed.: no use for it"});
  EXPECT_EQ(protocol->times_lost, 1);
}

TEST_F(ProtocolTest, TheKindOfProtocolMayChangeInTheMiddleOfTheStream) {
  const auto plain = std::make_shared<Recorder>();
  const auto buffered = std::make_shared<SmallBuffer>();
  const auto transport = start(plain);
  plain->on_data = [&] { transport->set_protocol(buffered); };
  loop_.run([&]() -> Coro<> {
    peer_.send("plain");
    co_await until([&] { return plain->received == "plain"; });
    peer_.send("buffered");
    co_await until([&] { return buffered->received == "buffered"; });
    transport->set_protocol(plain);
    peer_.send(" again");
    peer_.close();
    co_await until([&] { return buffered->times_lost > 0 || plain->lost; });
  });
  EXPECT_EQ(plain->received, "plain again");
  EXPECT_EQ(buffered->received, "buffered");
}

TEST_F(ProtocolTest, ChangedInsideBufferUpdatedTheOtherKindHearsTheRest) {
  const auto plain = std::make_shared<Recorder>();
  const auto buffered = std::make_shared<SmallBuffer>();
  const auto transport = start(buffered);
  buffered->on_data = [&] { transport->set_protocol(plain); };
  loop_.run([&]() -> Coro<> {
    peer_.send("sixteen bytes are for the first, the rest is not");
    peer_.close();
    co_await until([&] { return plain->lost; });
  });
  EXPECT_EQ(buffered->received, "sixteen bytes ar");
  EXPECT_EQ(plain->calls, (Calls{"data", "eof", "lost"}));
  EXPECT_EQ(plain->received, "e for the first, the rest is not");
}

TEST_F(ProtocolTest, ChangedInsideGetBufferTheBytesAreForWhoseBufferTheyAreIn) {
  const auto plain = std::make_shared<Recorder>();
  const auto buffered = std::make_shared<SmallBuffer>();
  const auto transport = start(buffered);
  buffered->on_get_buffer = [&] { transport->set_protocol(plain); };
  loop_.run([&]() -> Coro<> {
    peer_.send("sixteen bytes are for the first, the rest is not");
    peer_.close();
    co_await until([&] { return plain->lost; });
  });
  EXPECT_EQ(buffered->received, "sixteen bytes ar");
  EXPECT_EQ(plain->received, "e for the first, the rest is not");
}

TEST_F(ProtocolTest, EndedOrPausedInsideGetBufferNothingIsReceived) {
  for (const bool abort : {false, true}) {
    Ends ends = connected_ends();
    const auto buffered = std::make_shared<SmallBuffer>();
    const auto transport = SocketTransport::start(loop_, std::move(ends.ours), buffered, nullptr);
    buffered->on_get_buffer = [&] { abort ? transport->abort() : transport->pause_reading(); };
    loop_.run([&]() -> Coro<> {
      ends.peer.send("x");
      co_await until([&] { return !buffered->hints.empty(); });
      co_await turns(3);
    });
    EXPECT_EQ(buffered->received, "");
    transport->abort();
  }
}

TEST_F(ProtocolTest, ChangedInsideEofReceivedTheOldOneDecidesAndTheNewOneHearsOfTheLoss) {
  for (const bool stays_open : {false, true}) {
    for (const bool to_plain : {false, true}) {
      Ends ends = connected_ends();
      const auto plain = std::make_shared<Recorder>();
      const auto buffered = std::make_shared<SmallBuffer>();
      const auto old = to_plain ? std::shared_ptr<BufferedProtocol>(buffered) : plain;
      const auto transport = SocketTransport::start(loop_, std::move(ends.ours), old, nullptr);
      plain->stays_open = buffered->stays_open = stays_open;
      plain->on_eof = [&] { transport->set_protocol(buffered); };
      buffered->on_eof = [&] { transport->set_protocol(plain); };
      loop_.run([&]() -> Coro<> {
        ends.peer.shutdown_write();
        co_await until([&] { return transport->get_protocol() != old; });
        EXPECT_EQ(transport->is_closing(), !stays_open);
        transport->close();
        co_await until([&] { return transport->fileno() == -1; });
      });
      EXPECT_EQ(plain->lost, to_plain);
      EXPECT_EQ(buffered->times_lost, to_plain ? 0 : 1);
    }
  }
}

TEST_F(ProtocolTest, ChangedInsidePauseWritingTheNewOneIsResumed) {
  Ends ends = connected_ends({.send_buffer = 1, .peer_receive_buffer = 1});
  const auto plain = std::make_shared<Recorder>();
  const auto buffered = std::make_shared<SmallBuffer>();
  const auto transport = SocketTransport::start(loop_, std::move(ends.ours), plain, nullptr);
  const std::string data = noise(200'000);
  plain->on_pause = [&] { transport->set_protocol(buffered); };
  buffered->on_pause = [&] { transport->set_protocol(plain); };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    transport->write(data);
    EXPECT_TRUE(co_await ends.peer.recv_all(data.size()) == data);
    co_await until([&] { return buffered->times_resumed == 1; });
    transport->write(data);
    EXPECT_TRUE(co_await ends.peer.recv_all(data.size()) == data);
    co_await until([&] { return plain->calls.back() == "resume"; });
  });
  EXPECT_EQ(plain->calls, (Calls{"made", "pause", "resume"}));
  EXPECT_EQ(buffered->times_paused, 1);
}

}  // namespace
}  // namespace asyncio
