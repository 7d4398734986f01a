// Where a stream's bytes arrive. Owns the buffer, the limit and the one task that reads.
//
// Bytes that somebody is already waiting for go to that task without a stop in the buffer:
// read_into() receives straight into its span, read() gets its string made from the receive buffer.
// The rest waits here. Above twice the limit the transport stops receiving; a read that leaves no
// more than the limit starts it again.
//
// Shared by the transport, the reader and the writer. The transport is reached through
// connection_made() and gone with connection_lost().
#ifndef ASYNCIO_STREAMS_STREAM_PROTOCOL_H_
#define ASYNCIO_STREAMS_STREAM_PROTOCOL_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>

#include "asyncio/events/event_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/transports/byte_buffer.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"

namespace asyncio::internal {

class StreamProtocol : public BufferedProtocol,
                       public std::enable_shared_from_this<StreamProtocol> {
 public:
  // Throws std::invalid_argument ("Limit cannot be <= 0").
  StreamProtocol(EventLoop& loop, std::size_t limit);

  EventLoop& loop() const noexcept { return loop_; }
  std::size_t limit() const noexcept { return limit_; }

  // For the reader.

  ByteBuffer& buffer() noexcept { return buffer_; }
  bool eof() const noexcept { return eof_; }

  // Throws what ended the connection, if something did.
  void throw_if_failed() const {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  // What every read begins with: throws the same, and std::runtime_error if another task is
  // reading. `call` names the caller.
  void check_read(const char* call) const;

  std::exception_ptr failure() const noexcept { return failure_; }

  // Where the next bytes go in place of the buffer: at most `into.size()` of them, or `most` of
  // them as `*text`. One of the two.
  struct Destination {
    std::span<char> into;
    std::string* text = nullptr;
    std::size_t most = 0;
    std::size_t received = 0;  // into `into`
  };

  // See Arrival: wakes `waiter` once there is something to look at. It must be told to end before
  // either goes.
  void begin_waiting(Waiter& waiter, Destination* destination);
  void end_waiting(const Waiter& waiter) noexcept;

  // What has arrived at a destination that is given up goes before the buffer.
  void take_back(const Destination& destination);

  // A read has taken from the buffer: starts receiving again if there is room.
  void resume_if_drained();

  // For the writer.

  // The transport, or null before connection_made() and after connection_lost().
  Transport* transport() const noexcept { return transport_; }

  bool connection_lost() const noexcept { return lost_; }
  bool writing_paused() const noexcept { return writing_paused_; }
  WaitQueue& waiting_to_write() noexcept { return waiting_to_write_; }
  WaitQueue& waiting_for_end() noexcept { return waiting_for_end_; }

  // BufferedProtocol.

  void connection_made(Transport& transport) override;
  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override { writing_paused_ = true; }
  void resume_writing() override;
  std::span<char> get_buffer(std::size_t size_hint) override;
  void buffer_updated(std::size_t size) override;
  bool eof_received() override;

 private:
  void deliver(std::string_view data);
  bool overfull() const noexcept;
  void wake_reader() noexcept;

  EventLoop& loop_;
  const std::size_t limit_;
  Transport* transport_ = nullptr;
  ByteBuffer buffer_;
  std::exception_ptr failure_;
  Waiter* reader_ = nullptr;  // the task that waits for data
  Destination* destination_ = nullptr;
  WaitQueue waiting_to_write_;
  WaitQueue waiting_for_end_;
  bool eof_ = false;
  bool lost_ = false;
  bool receiving_paused_ = false;
  bool writing_paused_ = false;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_STREAMS_STREAM_PROTOCOL_H_
