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

#include <any>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/intrusive_list.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"
#include "transports/src/transport_life.h"
#include "transports/src/write_funnel.h"

namespace asyncio {

class SocketTransport;

// Who wants to know how many connections there are: a server.
class ConnectionObserver {
 public:
  virtual void attached(SocketTransport& connection) = 0;
  virtual void detached(SocketTransport& connection) = 0;

  // How many bytes may be written to one while it tells its protocol to pause. More ends it with an
  // OsError (ENOBUFS), for such a protocol fills the memory at its peer's command.
  virtual std::size_t most_unheeded() const noexcept = 0;

 protected:
  ~ConnectionObserver() = default;
};

// Whoever observes it may keep it in a list.
class SocketTransport final : public Transport,
                              public TransportLife::Owner,
                              public ListNode,
                              private WriteFunnel::Owner {
  struct Private {
    explicit Private() = default;
  };

 public:
  // Starts a connection: connection_made() runs next turn, then receiving begins. The loop keeps
  // the transport alive until connection_lost() has run. `observer` may be null; reports name
  // `where`. Throws std::runtime_error if a transport has the descriptor already.
  static std::shared_ptr<SocketTransport> start(
      EventLoop& loop, Socket socket, std::shared_ptr<BufferedProtocol> protocol,
      std::shared_ptr<ConnectionObserver> observer,
      std::source_location where = std::source_location::current());

  // The same for a peer that is known already, and whose address cannot be asked for any more if it
  // has gone.
  static std::shared_ptr<SocketTransport> start(EventLoop& loop, ConnectedSocket connection,
                                                std::shared_ptr<BufferedProtocol> protocol,
                                                std::shared_ptr<ConnectionObserver> observer,
                                                std::source_location where);

  // For start(), which makes object and count in one piece.
  SocketTransport(Private, EventLoop& loop, ConnectedSocket connection,
                  std::shared_ptr<BufferedProtocol> protocol,
                  std::shared_ptr<ConnectionObserver> observer, std::source_location created);
  ~SocketTransport() override;

  void close() override;
  void abort() override { life_.force_close(nullptr); }

  // abort(), and connection_lost() is told why.
  void abort_with(std::exception_ptr error) { life_.force_close(std::move(error)); }

  bool is_closing() const noexcept override { return life_.closing(); }
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override;
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return protocol_; }

  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const noexcept override { return !life_.closing() && !paused_ && !eof_seen_; }

  void write(std::string_view data) override { funnel_.write(data); }
  void writelines(std::span<const std::string_view> pieces) override { funnel_.writelines(pieces); }
  void write_eof() override;
  bool can_write_eof() const noexcept override { return true; }
  std::size_t get_write_buffer_size() const noexcept override { return funnel_.size(); }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return funnel_.limits(); }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override;

  // While a file is sent, past the buffer, nothing can be written, and the end of the stream waits
  // for the end of the file. Throws what write() would throw.
  void begin_sendfile();
  void end_sendfile();
  bool can_sendfile() const noexcept override { return true; }

  // See WriteFunnel.
  void wake_when_writable(Waiter& waiter) { funnel_.wake_when_writable(waiter); }
  void withdraw_waiter() { funnel_.withdraw_waiter(); }

  // connection_lost() is due or has run.
  bool lost() const noexcept { return life_.lost(); }

  SocketAddress sockname() const override { return socket_.getsockname(); }
  SocketAddress peername() const override { return peer_; }
  int fileno() const noexcept override { return socket_.fileno(); }
  std::any get_extra_info(std::string_view name, std::any fallback) const override;

  // Whether anything has been received or sent since the last question. For timeouts: two bits
  // instead of a clock read an event. Who sends past this object says so.
  bool take_activity() noexcept {
    const bool active = std::exchange(active_, false);
    return funnel_.take_progress() || active;
  }
  void mark_active() noexcept { active_ = true; }

  // A place for whoever asks that, to count how often it was not so. See SilenceWatch.
  std::int16_t silence = 0;

 private:
  // TransportLife::Owner.
  int descriptor() const noexcept override { return fileno(); }
  void call_connection_made() override { protocol_->connection_made(*this); }
  void start_reading() override;
  void on_readable() override;
  void stop() override;
  std::shared_ptr<BaseProtocol> take_protocol() noexcept override { return std::move(protocol_); }
  void close_descriptor() noexcept override { socket_.close(); }
  void ended() override;

  // WriteFunnel::Owner.
  BaseProtocol* writer() const noexcept override { return protocol_.get(); }
  void flushed() override;
  void write_failed() override { life_.fail("Fatal write error on socket transport"); }
  std::size_t most_unheeded() const noexcept override;
  const char* dropped_write_warning() const noexcept override {
    return "socket.send() raised exception.";
  }

  enum class Step { kGetBuffer, kRead, kUpdate, kEof };

  void stop_reading();
  void receive(Step* step);
  const char* name_of(Step step) const;
  void on_eof();
  void end_stream();

  Socket socket_;
  std::shared_ptr<BufferedProtocol> protocol_;
  std::shared_ptr<ConnectionObserver> observer_;
  const SocketAddress peer_;
  TransportLife life_;
  WriteFunnel funnel_;
  bool paused_ = false;      // by pause_reading()
  bool registered_ = false;  // for reading
  bool active_ = false;      // since the last take_activity()
  bool eof_seen_ = false;
  bool eof_written_ = false;  // by write_eof()
  bool sending_file_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SOCKET_TRANSPORT_H_
