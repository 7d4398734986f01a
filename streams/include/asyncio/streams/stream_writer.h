// StreamWriter: how bytes are sent.
//
// write() never waits; drain() is where a writer waits for a slow peer. Dropping the writer closes
// the connection, as close() does; wait_closed() stays explicit.
//
// Python counterpart: asyncio.StreamWriter.
#ifndef ASYNCIO_STREAMS_STREAM_WRITER_H_
#define ASYNCIO_STREAMS_STREAM_WRITER_H_

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

namespace internal {
class StreamProtocol;
}  // namespace internal

// Move-only.
class [[nodiscard("dropping a StreamWriter closes its connection")]] StreamWriter {
 public:
  explicit StreamWriter(std::shared_ptr<internal::StreamProtocol> protocol) noexcept
      : protocol_(std::move(protocol)) {}
  StreamWriter(StreamWriter&&) noexcept = default;
  StreamWriter& operator=(StreamWriter&& other) noexcept;
  ~StreamWriter();

  // Sends, or buffers what the kernel does not take now. Nothing is thrown if the connection is
  // lost: the next drain() tells. Throws std::runtime_error after write_eof().
  void write(std::string_view data) const;
  void writelines(std::span<const std::string_view> pieces) const;

  // Waits until little enough is buffered; at once, without a turn, if it is. Throws what ended the
  // connection, else ConnectionResetError ("Connection lost") once it is closed. Any number of
  // tasks may wait. On cancellation what was written is still sent.
  Coro<> drain() const;

  // The peer reads the end of the stream after what has been written. Reading goes on.
  void write_eof() const;
  bool can_write_eof() const noexcept;

  // Sends what is buffered, then ends the connection.
  void close() const;
  bool is_closing() const noexcept;

  // Waits until the connection has ended; throws what ended it. May be awaited repeatedly.
  Coro<> wait_closed() const;

  // The two ends of the connection; no address once it is lost.
  SocketAddress sockname() const;
  SocketAddress peername() const;

  // The transport, or null once the connection is lost.
  Transport* transport() const noexcept;

 private:
  std::shared_ptr<internal::StreamProtocol> protocol_;
};

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_STREAM_WRITER_H_
