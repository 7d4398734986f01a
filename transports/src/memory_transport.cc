#include "asyncio/transports/memory_transport.h"

#include <algorithm>
#include <any>
#include <cstddef>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace asyncio::testing {
namespace {

// Each end holds what it has been sent and has not read. It is kept alive by the callbacks that it
// has scheduled, and by whoever has been given it.
class MemoryTransport final : public Transport,
                              public std::enable_shared_from_this<MemoryTransport> {
 public:
  MemoryTransport(EventLoop& loop, std::shared_ptr<BufferedProtocol> protocol)
      : loop_(loop), protocol_(std::move(protocol)) {}

  void join(const std::shared_ptr<MemoryTransport>& peer) {
    peer_ = peer;
    later([this] { protocol_->connection_made(*this); });
  }

  // What is sent has all been read first.
  void close() override {
    if (std::exchange(closing_, true)) return;
    if (get_write_buffer_size() == 0) lose_soon(nullptr);
  }
  void abort() override {
    closing_ = true;
    if (const auto peer = peer_.lock()) peer->inbox_.clear();
    lose_soon(nullptr);
  }
  bool is_closing() const noexcept override { return closing_; }

  // The old protocol may be the one that is calling.
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override {
    loop_.call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
  }
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return protocol_; }

  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    paused_ = false;
    later([this] { receive(); });
  }
  bool is_reading() const noexcept override { return !paused_ && !closing_; }

  void write(std::string_view data) override {
    if (eof_written_) throw std::runtime_error("Cannot call write() after write_eof()");
    const auto peer = peer_.lock();
    if (peer == nullptr || lost_ || data.empty()) return;
    peer->inbox_.append(data);
    if (flow_.must_pause(get_write_buffer_size())) protocol_->pause_writing();
    peer->later([to = peer.get()] { to->receive(); });
  }
  void writelines(std::span<const std::string_view> pieces) override {
    for (const std::string_view data : pieces) write(data);
  }
  void write_eof() override {
    if (closing_ || std::exchange(eof_written_, true)) return;
    if (const auto peer = peer_.lock()) peer->end_soon();
  }
  bool can_write_eof() const noexcept override { return true; }

  std::size_t get_write_buffer_size() const noexcept override {
    const auto peer = peer_.lock();
    return peer == nullptr ? 0 : peer->inbox_.size();
  }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return flow_.limits(); }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    flow_.set_limits(make_write_buffer_limits(high, low));
    if (flow_.must_pause(get_write_buffer_size())) protocol_->pause_writing();
  }

  SocketAddress sockname() const override { return SocketAddress(); }
  SocketAddress peername() const override { return SocketAddress(); }
  int fileno() const noexcept override { return -1; }
  std::any get_extra_info(std::string_view, std::any fallback) const override { return fallback; }

 private:
  template <class F>
  void later(F callback) {
    loop_.call_soon([self = shared_from_this(), callback]() mutable { callback(); });
  }

  // One piece a turn, as much as the protocol has room for.
  void receive() {
    if (inbox_.empty() || paused_ || closing_ || lost_) return;
    try {
      const std::span<char> buffer = protocol_->get_buffer(inbox_.size());
      if (buffer.empty()) throw std::runtime_error("get_buffer() returned an empty buffer");
      const std::size_t size = std::min(buffer.size(), inbox_.size());
      std::memcpy(buffer.data(), inbox_.data(), size);
      inbox_.erase(0, size);
      protocol_->buffer_updated(size);
    } catch (...) {
      fail();
    }
    if (const auto peer = peer_.lock()) peer->on_read();
    if (!inbox_.empty()) return later([this] { receive(); });
    if (eof_due_) later([this] { end(); });
  }

  // The peer has read some of what this end has written.
  void on_read() {
    if (lost_) return;
    if (flow_.must_resume(get_write_buffer_size())) protocol_->resume_writing();
    if (closing_ && get_write_buffer_size() == 0) lose_soon(nullptr);
  }

  void end_soon() {
    eof_due_ = true;
    later([this] { end(); });
  }

  void end() {
    if (!inbox_.empty() || closing_ || lost_ || !std::exchange(eof_due_, false)) return;
    if (!protocol_->eof_received()) close();
  }

  // Inside a catch. What the protocol throws is a mistake of the program.
  void fail() {
    const std::exception_ptr error = std::current_exception();
    loop_.call_exception_handler(
        {.message = "Fatal error: protocol call failed.", .exception = error});
    closing_ = true;
    lose_soon(error);
  }

  void lose_soon(std::exception_ptr error) {
    if (std::exchange(lost_, true)) return;
    later([this, error] {
      const std::shared_ptr<BufferedProtocol> protocol = std::move(protocol_);
      const auto peer = peer_.lock();
      peer_.reset();
      protocol->connection_lost(error);
      if (peer != nullptr && !peer->lost_) peer->end_soon();
    });
  }

  EventLoop& loop_;
  std::shared_ptr<BufferedProtocol> protocol_;
  std::weak_ptr<MemoryTransport> peer_;
  std::string inbox_;
  WriteFlow flow_;
  bool paused_ = false;
  bool eof_due_ = false;
  bool eof_written_ = false;
  bool closing_ = false;
  bool lost_ = false;  // connection_lost() is due or has run
};

}  // namespace

std::pair<std::shared_ptr<Transport>, std::shared_ptr<Transport>> connect_in_memory(
    EventLoop& loop, std::shared_ptr<BufferedProtocol> one,
    std::shared_ptr<BufferedProtocol> other) {
  auto ours = std::make_shared<MemoryTransport>(loop, std::move(one));
  auto theirs = std::make_shared<MemoryTransport>(loop, std::move(other));
  ours->join(theirs);
  theirs->join(ours);
  return {std::move(ours), std::move(theirs)};
}

}  // namespace asyncio::testing
