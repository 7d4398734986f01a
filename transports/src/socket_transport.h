// The transport of a connected stream socket.
//
//   open ── close() ──> flushing ── buffer empty ──┐
//    │                      └── abort(), error ────┼──> lost: connection_lost() is due, once
//    └── abort(), error ───────────────────────────┘
//
// System calls are saved where they can be: the descriptor is registered for reading once, for the
// life of the connection; a write is tried first and registered for writing only if the kernel
// takes less.
#ifndef ASYNCIO_TRANSPORTS_SOCKET_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_SOCKET_TRANSPORT_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

#include "asyncio/events/event_loop.h"
#include "asyncio/transports/byte_buffer.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// Who wants to know how many connections there are: a server.
class ConnectionObserver {
 public:
  virtual void attached(Transport& transport) = 0;
  virtual void detached(Transport& transport) = 0;

 protected:
  ~ConnectionObserver() = default;
};

class SocketTransport final : public Transport,
                              public std::enable_shared_from_this<SocketTransport> {
 public:
  // Starts a connection: connection_made() runs next turn, then receiving begins. The loop keeps
  // the transport alive until connection_lost() has run. `observer` may be null; reports name
  // `where`.
  static std::shared_ptr<SocketTransport> start(
      EventLoop& loop, Socket socket, std::shared_ptr<BufferedProtocol> protocol,
      std::shared_ptr<ConnectionObserver> observer,
      std::source_location where = std::source_location::current());

  ~SocketTransport() override;

  void close() override;
  void abort() override { force_close(nullptr); }
  bool is_closing() const noexcept override { return closing_; }
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override;
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return protocol_; }

  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const noexcept override { return !closing_ && !paused_ && !eof_seen_; }

  void write(std::string_view data) override;
  void writelines(std::span<const std::string_view> pieces) override;
  void write_eof() override;
  bool can_write_eof() const noexcept override { return true; }
  std::size_t get_write_buffer_size() const noexcept override { return unsent_.size(); }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return flow_.limits(); }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override;

  SocketAddress sockname() const override { return socket_.getsockname(); }
  SocketAddress peername() const override { return socket_.getpeername(); }
  int fileno() const noexcept override { return socket_.fileno(); }

  // The loop is closing: connection_lost(ConnectionAbortedError) runs now, for a protocol may rely
  // on the transport until then. In debug mode an open transport is logged.
  void abandon();

 private:
  SocketTransport(EventLoop& loop, Socket socket, std::shared_ptr<BufferedProtocol> protocol,
                  std::shared_ptr<ConnectionObserver> observer, std::source_location created);

  void begin();
  void start_reading();
  void stop_reading();
  void on_readable();
  void receive();
  void on_eof();
  void on_writable();
  void when_flushed();
  void end_stream();
  bool accepts_write(std::string_view data);
  std::size_t send_now(std::string_view data);
  void keep(std::string_view rest);
  void pause_if_needed();
  void resume_if_possible();
  template <class Callback>
  void call_flow_callback(Callback callback, const char* name);

  void fail(const char* message);
  void force_close(std::exception_ptr error);
  void lose_soon(std::exception_ptr error);
  void lose(std::exception_ptr error);
  void finish(std::exception_ptr error);

  EventLoop& loop_;
  const std::source_location created_;
  Socket socket_;
  std::shared_ptr<BufferedProtocol> protocol_;
  std::shared_ptr<ConnectionObserver> observer_;
  ByteBuffer unsent_;
  WriteFlow flow_;
  int dropped_writes_ = 0;
  bool made_ = false;        // connection_made() has been called
  bool paused_ = false;      // by pause_reading()
  bool registered_ = false;  // for reading
  bool eof_seen_ = false;
  bool eof_written_ = false;  // by write_eof()
  bool closing_ = false;
  bool lost_ = false;  // connection_lost() is due or has run
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SOCKET_TRANSPORT_H_
