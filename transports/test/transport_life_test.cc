// What a protocol may do to its transport inside any of its callbacks: everything.
#include "transports/src/transport_life.h"

#include <sys/socket.h>

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

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

// Takes over from a Recorder, as the other kind of protocol.
class Successor : public BufferedProtocol {
 public:
  std::span<char> get_buffer(std::size_t) override { return buffer_; }
  bool eof_received() override { return true; }
  void connection_lost(std::exception_ptr) override { ++times_lost; }

  int times_lost = 0;

 private:
  std::array<char, 100> buffer_{};
};

class HostileProtocolTest : public ::testing::Test {
 protected:
  using Hook = std::function<void()> Recorder::*;

  struct Callback {
    const char* name;
    Hook hook;
  };
  static constexpr Callback kCallbacks[] = {
      {"connection_made", &Recorder::on_made}, {"data_received", &Recorder::on_data},
      {"eof_received", &Recorder::on_eof},     {"connection_lost", &Recorder::on_lost},
      {"pause_writing", &Recorder::on_pause},  {"resume_writing", &Recorder::on_resume},
  };

  struct Action {
    const char* name;
    std::function<void()> run;
  };
  std::vector<Action> actions() {
    return {
        {"close", [this] { transport().close(); }},
        {"abort", [this] { transport().abort(); }},
        {"throw", [] { throw std::runtime_error("oops"); }},
        {"close and throw",
         [this] {
           transport().close();
           throw std::runtime_error("oops");
         }},
        {"abort and throw",
         [this] {
           transport().abort();
           throw std::runtime_error("oops");
         }},
        {"write", [this] { transport().write(much_); }},
        {"write and close",
         [this] {
           transport().write(much_);
           transport().close();
         }},
        {"write and abort",
         [this] {
           transport().write(much_);
           transport().abort();
         }},
        {"write_eof", [this] { transport().write_eof(); }},
        {"pause_reading", [this] { transport().pause_reading(); }},
        {"pause and resume_reading",
         [this] {
           transport().pause_reading();
           transport().resume_reading();
         }},
        {"no write buffer", [this] { transport().set_write_buffer_limits(0); }},
        {"a large write buffer", [this] { transport().set_write_buffer_limits(kHuge); }},
        {"other protocol", [this] { transport().set_protocol(successor_); }},
        {"other protocol and throw",
         [this] {
           transport().set_protocol(successor_);
           throw std::runtime_error("oops");
         }},
        {"other protocol and abort",
         [this] {
           transport().set_protocol(successor_);
           transport().abort();
         }},
        {"let go of all",
         [this] {
           kept_.reset();
           recorder_.reset();
         }},
        {"let go of all and abort",
         [this] {
           Transport& mine = transport();
           kept_.reset();
           recorder_.reset();
           mine.abort();
         }},
    };
  }

  // Valid inside the callbacks.
  Transport& transport() const { return *calling_->transport; }

  void connect(const Callback& callback, const Action& action) {
    Ends ends = connected_ends({.send_buffer = 1, .peer_receive_buffer = 1});
    peer_ = std::make_unique<Peer>(std::move(ends.peer));
    recorder_ = std::make_shared<Recorder>();
    successor_ = std::make_shared<Successor>();
    calling_ = recorder_.get();
    calling_->stays_open = true;
    ((*calling_).*callback.hook) = [run = action.run, done = false]() mutable {
      if (!std::exchange(done, true)) run();
    };
    kept_ = SocketTransport::start(loop_, std::move(ends.ours), recorder_, nullptr);
    alive_ = kept_;
    alive_recorder_ = recorder_;
  }

  // The transport, unless its connection is lost and nobody keeps it.
  std::shared_ptr<SocketTransport> open() const {
    std::shared_ptr<SocketTransport> transport = alive_.lock();
    return transport == nullptr || transport->fileno() == -1 ? nullptr : transport;
  }

  // Has every callback called, as far as the connection lives for it.
  Coro<> live() {
    co_await turns(3);
    static_cast<void>(::send(peer_->fileno(), "x", 1, MSG_NOSIGNAL));
    co_await turns(3);
    if (const auto transport = open(); transport != nullptr && !transport->is_closing()) {
      write(*transport);
    }
    co_await drain_peer();
    ::shutdown(peer_->fileno(), SHUT_WR);
    co_await turns(5);
    co_await drain_peer();
    if (const auto transport = open()) transport->abort();
    co_await until([this] { return open() == nullptr; });
    co_await turns(3);
  }

  void write(Transport& transport) const {
    try {
      transport.write(much_);
    } catch (const std::runtime_error&) {  // after write_eof()
    }
  }

  // Until nothing more comes.
  Coro<> drain_peer() const {
    std::array<char, 65536> buffer;
    for (int silence = 0; silence < 10; ++silence) {
      const ssize_t size = ::recv(peer_->fileno(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size > 0) silence = 0;
      co_await turns(1);
    }
  }

  static constexpr std::size_t kHuge = std::size_t{1} << 62;

  WatchedLoop loop_;
  const std::string much_ = noise(100'000);
  std::unique_ptr<Peer> peer_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<Successor> successor_;
  std::shared_ptr<SocketTransport> kept_;
  std::weak_ptr<SocketTransport> alive_;
  std::weak_ptr<Recorder> alive_recorder_;
  Recorder* calling_ = nullptr;
};

TEST_F(HostileProtocolTest, WhateverItDoesInWhicheverCallbackTheConnectionIsLostOnce) {
  for (const Callback& callback : kCallbacks) {
    for (const Action& action : actions()) {
      SCOPED_TRACE(std::string(action.name) + " in " + callback.name);
      const OpenDescriptors before;
      connect(callback, action);
      const std::shared_ptr<Recorder> witness =
          std::string_view(action.name).starts_with("let go") ? nullptr : recorder_;
      loop_.run([&]() -> Coro<> { co_await live(); });
      if (witness != nullptr) {
        const auto is_lost = [](const std::string& call) { return call.starts_with("lost"); };
        const auto lost = std::ranges::count_if(witness->calls, is_lost);
        EXPECT_EQ(lost + successor_->times_lost, 1) << ::testing::PrintToString(witness->calls);
        EXPECT_EQ(std::ranges::count(witness->calls, "made"), 1);
        EXPECT_TRUE(lost == 0 || is_lost(witness->calls.back())) << "nothing comes after it";
      } else {
        EXPECT_TRUE(alive_.expired()) << "nobody keeps it";
        EXPECT_TRUE(alive_recorder_.expired());
      }
      peer_->close();
      EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
    }
  }
}

TEST_F(HostileProtocolTest, WhateverItDoesInWhicheverCallbackTheLoopMayBeClosedAtAnyTime) {
  for (const Callback& callback : kCallbacks) {
    for (const Action& action : actions()) {
      SCOPED_TRACE(std::string(action.name) + " in " + callback.name);
      for (const int moment : {0, 1, 2, 4, 8}) {
        WatchedLoop loop;
        Ends ends = connected_ends({.send_buffer = 1, .peer_receive_buffer = 1});
        recorder_ = std::make_shared<Recorder>();
        successor_ = std::make_shared<Successor>();
        calling_ = recorder_.get();
        ((*calling_).*callback.hook) = action.run;
        kept_ = SocketTransport::start(loop, std::move(ends.ours), recorder_, nullptr);
        ends.peer.send("x");
        ends.peer.shutdown_write();
        loop.run([&]() -> Coro<> { co_await turns(moment); });
        loop.close();
        EXPECT_TRUE(kept_ == nullptr || kept_->fileno() == -1);
      }
    }
  }
}

}  // namespace
}  // namespace asyncio
