// Transports: what a protocol or a stream sends through.
//
// A transport owns one end of a connection from the moment it is made to connection_lost(). Sending
// never waits: what the kernel does not take at once is buffered, and the protocol is told to pause
// when the buffer grows above its high-water mark. After connection_lost() every call is legal and
// does nothing. All calls are for the loop's thread.
//
// Anybody may write a transport of their own, such as one in memory: derive from Transport, keep
// the order of callbacks that protocol.h states, and call them from the loop.
#ifndef ASYNCIO_TRANSPORTS_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_TRANSPORT_H_

#include <any>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "asyncio/transports/address.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"

namespace asyncio {

// This kind of transport has no such operation, as a pipe that is read has no write().
//
// Python counterpart: NotImplementedError.
class NotImplementedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What transports of streams and of datagrams have in common.
//
// Python counterpart: asyncio.BaseTransport, and what WriteTransport and DatagramTransport share.
class BaseTransport {
 public:
  virtual ~BaseTransport() = default;

  // Stops receiving at once, sends what is buffered, then ends; connection_lost(null) comes in a
  // later turn. Idempotent.
  virtual void close() = 0;

  // Ends now, dropping what is buffered; connection_lost(null) comes in a later turn.
  virtual void abort() = 0;

  // Whether it is closing or closed.
  virtual bool is_closing() const noexcept = 0;

  // Bytes that the kernel has not taken yet. O(1).
  virtual std::size_t get_write_buffer_size() const noexcept = 0;

  // When the protocol is paused and resumed; see make_write_buffer_limits(), which says what is
  // thrown. Takes effect at once: the protocol may be paused inside the call.
  virtual WriteBufferLimits get_write_buffer_limits() const noexcept = 0;
  virtual void set_write_buffer_limits(std::optional<std::size_t> high = std::nullopt,
                                       std::optional<std::size_t> low = std::nullopt) = 0;

  // Its own address: get_extra_info("sockname"). One system call; no address once the connection is
  // lost, or if there is none.
  virtual SocketAddress sockname() const = 0;

  // The peer's address: get_extra_info("peername"). Known for as long as the transport lives, also
  // when the peer has gone; no address if there is none.
  virtual SocketAddress peername() const = 0;

  // The descriptor, for setting options. Not for reading, writing or closing; -1 once the
  // connection is lost.
  virtual int fileno() const noexcept = 0;

  // What has no getter of its own, by Python's name: "sockname" and "peername" (a SocketAddress),
  // "socket" (a TransportSocket); "pipe" (an int, the descriptor) of a pipe. `fallback` where there
  // is no such thing.
  virtual std::any get_extra_info(std::string_view name, std::any fallback = std::any()) const = 0;
};

// A stream of bytes, in two directions or, as a pipe, in one. What a direction that is not there
// throws says "NotImplementedError" below: receiving from a pipe that is written does nothing.
//
// Python counterpart: asyncio.Transport, that is ReadTransport and WriteTransport.
class Transport : public BaseTransport {
 public:
  // What happens from now on is told to `protocol`; connection_made() is not called again.
  virtual void set_protocol(std::shared_ptr<BufferedProtocol> protocol) = 0;
  virtual std::shared_ptr<BufferedProtocol> get_protocol() const = 0;

  // Receiving.

  // No data_received() after pause_reading() until resume_reading(). Idempotent; no effect while
  // closing.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual bool is_reading() const noexcept = 0;

  // Sending. Throws NotImplementedError where there is nothing to send to.

  // Sends, in order, or buffers a copy. Nothing is reported here if the connection is lost already:
  // the data is dropped, with a warning from the fifth time on. Throws std::runtime_error after
  // write_eof(), and while sendfile() is under way.
  virtual void write(std::string_view data) = 0;

  // The pieces one after the other, in one system call for up to 64 of them; copies only what the
  // kernel does not take at once. Errors as for write().
  virtual void writelines(std::span<const std::string_view> pieces) = 0;

  // Nothing more will be sent: the peer reads the end of the stream after what is buffered.
  // Receiving goes on. Idempotent. Of a pipe it is close().
  virtual void write_eof() = 0;
  virtual bool can_write_eof() const noexcept = 0;

  // Whether sendfile() may send a file through write(). A transport that does not say so refuses.
  virtual bool can_sendfile() const noexcept { return false; }
};

// asyncio's names for a Transport of which one direction is used.
using ReadTransport = Transport;
using WriteTransport = Transport;

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_TRANSPORT_H_
