// A transport of one's own.

#include <any>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"
#include "asyncio/transports/memory_transport.h"
#include "gtest/gtest.h"

namespace docs_own_transport {
namespace {

using asyncio::Coro;

// [transport]
// What is written comes back.
class Loopback final : public asyncio::Transport, public std::enable_shared_from_this<Loopback> {
 public:
  Loopback(asyncio::EventLoop& loop, std::shared_ptr<asyncio::BufferedProtocol> protocol)
      : loop_(loop), protocol_(std::move(protocol)) {}

  void start() { later(&Loopback::make); }

  // Nobody but this end receives, so nothing is left to be sent.
  void close() override {
    closing_ = true;
    bytes_.clear();
    later(&Loopback::lose);
  }
  void abort() override { close(); }
  bool is_closing() const noexcept override { return closing_; }

  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    paused_ = false;
    later(&Loopback::deliver);
  }
  bool is_reading() const noexcept override { return !paused_ && !closing_; }

  void write(std::string_view data) override {
    if (eof_) throw std::runtime_error("Cannot call write() after write_eof()");
    if (closing_) return;
    bytes_.append(data);
    if (flow_.must_pause(bytes_.size())) protocol_->pause_writing();
    later(&Loopback::deliver);
  }
  void writelines(std::span<const std::string_view> pieces) override {
    for (const std::string_view data : pieces) write(data);
  }
  void write_eof() override {
    eof_ = true;
    later(&Loopback::deliver);
  }
  bool can_write_eof() const noexcept override { return true; }

  std::size_t get_write_buffer_size() const noexcept override { return bytes_.size(); }
  asyncio::WriteBufferLimits get_write_buffer_limits() const noexcept override {
    return flow_.limits();
  }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    flow_.set_limits(asyncio::make_write_buffer_limits(high, low));
    if (flow_.must_pause(bytes_.size())) protocol_->pause_writing();
  }

  void set_protocol(std::shared_ptr<asyncio::BufferedProtocol> protocol) override {
    protocol_ = std::move(protocol);
  }
  std::shared_ptr<asyncio::BufferedProtocol> get_protocol() const override { return protocol_; }
  asyncio::SocketAddress sockname() const override { return asyncio::SocketAddress(); }
  asyncio::SocketAddress peername() const override { return asyncio::SocketAddress(); }
  int fileno() const noexcept override { return -1; }
  std::any get_extra_info(std::string_view, std::any fallback) const override { return fallback; }

 private:
  // A callback that is due keeps the transport alive.
  void later(void (Loopback::*step)()) {
    loop_.call_soon([self = shared_from_this(), step] { (self.get()->*step)(); });
  }

  void make() { protocol_->connection_made(*this); }

  // As much as the protocol has room for; the rest in a later turn.
  void deliver() {
    if (paused_ || closing_) return;
    if (bytes_.empty()) return end();
    const std::shared_ptr<asyncio::BufferedProtocol> protocol = protocol_;
    try {
      const std::span<char> buffer = protocol->get_buffer(bytes_.size());
      if (buffer.empty()) throw std::runtime_error("get_buffer() returned an empty buffer");
      const std::size_t size = bytes_.copy(buffer.data(), buffer.size());
      bytes_.erase(0, size);
      protocol->buffer_updated(size);
    } catch (...) {
      return fail(std::current_exception());
    }
    if (flow_.must_resume(bytes_.size())) protocol_->resume_writing();
    later(&Loopback::deliver);
  }

  void end() {
    if (!eof_ || std::exchange(eof_told_, true)) return;
    if (!protocol_->eof_received()) close();
  }

  // What a protocol throws is a mistake of the program.
  void fail(std::exception_ptr error) {
    loop_.call_exception_handler(
        {.message = "Fatal error: protocol call failed.", .exception = error});
    error_ = error;
    abort();
  }

  void lose() {
    if (std::exchange(lost_, true)) return;
    const std::shared_ptr<asyncio::BufferedProtocol> protocol = std::move(protocol_);
    protocol->connection_lost(error_);
  }

  asyncio::EventLoop& loop_;
  std::shared_ptr<asyncio::BufferedProtocol> protocol_;
  std::string bytes_;  // written, and not received yet
  asyncio::WriteFlow flow_;
  std::exception_ptr error_;
  bool paused_ = false;
  bool eof_ = false;
  bool eof_told_ = false;
  bool closing_ = false;
  bool lost_ = false;
};
// [transport]

// [use]
class Collector : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport.write("hello, echo"); }
  void data_received(std::string_view data) override { received_.append(data); }
  void connection_lost(std::exception_ptr) override { lost_.set_result(received_); }

  asyncio::Future<std::string> lost() const { return lost_; }

 private:
  std::string received_;
  asyncio::Future<std::string> lost_;
};

Coro<std::string> talk_to_ourselves() {
  auto collector = std::make_shared<Collector>();
  auto transport = std::make_shared<Loopback>(asyncio::get_running_loop(), collector);
  transport->start();
  co_await asyncio::sleep(std::chrono::milliseconds(1));
  transport->write_eof();
  co_return co_await collector->lost();
}
// [use]

TEST(OwnTransportTest, Talks) { EXPECT_EQ(asyncio::run(talk_to_ourselves()), "hello, echo"); }

// What a transport owes a protocol, as far as this one can show it.
class Recorder : public asyncio::Protocol {
 public:
  std::vector<std::string> calls;

  void connection_made(asyncio::Transport&) override { calls.push_back("made"); }
  void data_received(std::string_view data) override { calls.push_back(std::string(data)); }
  bool eof_received() override {
    calls.push_back("eof");
    return false;
  }
  void connection_lost(std::exception_ptr error) override {
    calls.push_back(error == nullptr ? "lost" : "failed");
  }
  void pause_writing() override { calls.push_back("pause"); }
  void resume_writing() override { calls.push_back("resume"); }
};

TEST(OwnTransportTest, KeepsTheOrderOfCallsAndTheWaterMarks) {
  auto recorder = std::make_shared<Recorder>();
  auto main = [](std::shared_ptr<Recorder> protocol) -> Coro<> {
    auto transport = std::make_shared<Loopback>(asyncio::get_running_loop(), protocol);
    transport->start();
    co_await asyncio::sleep(std::chrono::milliseconds(1));
    transport->set_write_buffer_limits(3, std::nullopt);
    transport->pause_reading();
    transport->write("abcd");
    transport->write_eof();
    EXPECT_THROW(transport->write("e"), std::runtime_error);
    co_await asyncio::sleep(std::chrono::milliseconds(1));
    EXPECT_EQ(transport->get_write_buffer_size(), 4u);
    transport->resume_reading();
    co_await asyncio::sleep(std::chrono::milliseconds(1));
    EXPECT_TRUE(transport->is_closing());
    transport->close();
  };
  asyncio::run(main(recorder));
  EXPECT_EQ(recorder->calls,
            (std::vector<std::string>{"made", "pause", "abcd", "resume", "eof", "lost"}));
}

// [test]
TEST(QuestionTest, IsWhatTheServerHears) {
  auto client = std::make_shared<Recorder>();
  auto server = std::make_shared<Recorder>();
  auto main = [&]() -> Coro<> {
    const auto [ours, theirs] =
        asyncio::testing::connect_in_memory(asyncio::get_running_loop(), client, server);
    co_await asyncio::sleep(std::chrono::seconds(0));
    ours->write("hello");
    ours->close();
    co_await asyncio::sleep(std::chrono::milliseconds(1));
  };
  asyncio::run(main);
  EXPECT_EQ(server->calls, (std::vector<std::string>{"made", "hello", "eof", "lost"}));
}
// [test]

}  // namespace
}  // namespace docs_own_transport
