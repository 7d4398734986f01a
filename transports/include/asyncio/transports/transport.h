// Transports: what a protocol or a stream sends through.
//
// A transport owns one end of a connection from the moment it is made to connection_lost(). Sending
// never waits: what the kernel does not take at once is buffered, and the protocol is told to pause
// when the buffer grows above its high-water mark. After connection_lost() every call is legal and
// does nothing.
#ifndef ASYNCIO_TRANSPORTS_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "asyncio/transports/address.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"

namespace asyncio {

// Python counterpart: asyncio.Transport, that is BaseTransport, ReadTransport and WriteTransport.
class Transport {
 public:
  virtual ~Transport() = default;

  // Life.

  // Stops receiving at once, sends what is buffered, then ends the connection;
  // connection_lost(null) comes in a later turn. Idempotent.
  virtual void close() = 0;

  // Ends the connection now, dropping what is buffered; connection_lost(null) comes in a later
  // turn.
  virtual void abort() = 0;

  // Whether the connection is closing or closed.
  virtual bool is_closing() const noexcept = 0;

  // What happens from now on is told to `protocol`; connection_made() is not called again.
  virtual void set_protocol(std::shared_ptr<BufferedProtocol> protocol) = 0;
  virtual std::shared_ptr<BufferedProtocol> get_protocol() const = 0;

  // Receiving.

  // No data_received() after pause_reading() until resume_reading(). Idempotent; no effect while
  // closing.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual bool is_reading() const noexcept = 0;

  // Sending.

  // Sends, in order, or buffers a copy. Nothing is reported here if the connection is lost already:
  // the data is dropped, with a warning from the fifth time on. Throws std::runtime_error after
  // write_eof().
  virtual void write(std::string_view data) = 0;

  // The pieces one after the other, in as few system calls as write() needs for their
  // concatenation.
  virtual void writelines(std::span<const std::string_view> pieces) = 0;

  // Nothing more will be sent: the peer reads the end of the stream after what is buffered.
  // Receiving goes on. Idempotent.
  virtual void write_eof() = 0;
  virtual bool can_write_eof() const noexcept = 0;

  // Bytes that the kernel has not taken yet. O(1).
  virtual std::size_t get_write_buffer_size() const noexcept = 0;

  // When the protocol is paused and resumed; see make_write_buffer_limits(), which says what is
  // thrown. Takes effect at once.
  virtual WriteBufferLimits get_write_buffer_limits() const noexcept = 0;
  virtual void set_write_buffer_limits(std::optional<std::size_t> high = std::nullopt,
                                       std::optional<std::size_t> low = std::nullopt) = 0;

  // What it is.

  // The two ends of the connection: get_extra_info('sockname') and ('peername'). One system call
  // each; no address once the connection is lost.
  virtual SocketAddress sockname() const = 0;
  virtual SocketAddress peername() const = 0;

  // The descriptor, for setting options: get_extra_info('socket'). Not for reading, writing or
  // closing; -1 once the connection is lost.
  virtual int fileno() const noexcept = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_TRANSPORT_H_
