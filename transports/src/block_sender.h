// Sends blocks through a transport as fast as it takes them, in place of its protocol.
#ifndef ASYNCIO_TRANSPORTS_BLOCK_SENDER_H_
#define ASYNCIO_TRANSPORTS_BLOCK_SENDER_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "asyncio/futures/waiter.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// Stands in for the transport's protocol from start() to stop(), so as to see when writing is
// paused and resumed and when the connection ends, and hands on all that it is called for: the
// protocol misses nothing. Meanwhile nothing is received, unless somebody resumes that.
class BlockSender final : public BufferedProtocol {
 public:
  static std::shared_ptr<BlockSender> start(Transport& transport);

  // Puts the protocol back, unless somebody has set another one meanwhile.
  void stop();

  // Throws ConnectionAbortedError if the transport is closing or this was its end.
  void write(std::string_view block);

  // Returns when no more is buffered than the high-water mark allows or, if it was more, when the
  // low-water mark is reached. Throws what the connection was lost by; ConnectionAbortedError if
  // that was nothing.
  Coro<> drain();

 private:
  explicit BlockSender(Transport& transport)
      : transport_(&transport), protocol_(transport.get_protocol()) {}

  [[noreturn]] void throw_lost() const;
  void wake() noexcept;

  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override { protocol_->pause_writing(); }
  void resume_writing() override;
  std::span<char> get_buffer(std::size_t hint) override { return protocol_->get_buffer(hint); }
  void buffer_updated(std::size_t size) override { protocol_->buffer_updated(size); }
  bool eof_received() override { return protocol_->eof_received(); }

  Transport* transport_;  // null once the connection is lost
  const std::shared_ptr<BufferedProtocol> protocol_;
  bool was_reading_ = false;
  Waiter* draining_ = nullptr;
  std::exception_ptr error_;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_BLOCK_SENDER_H_
