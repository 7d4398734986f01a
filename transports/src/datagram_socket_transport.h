// The transport of a datagram socket.
#ifndef ASYNCIO_TRANSPORTS_DATAGRAM_SOCKET_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_DATAGRAM_SOCKET_TRANSPORT_H_

#include <any>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

#include "asyncio/events/event_loop.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"
#include "transports/src/dropped_writes.h"
#include "transports/src/transport_life.h"
#include "transports/src/write_pauser.h"

namespace asyncio {

class DatagramSocketTransport final : public DatagramTransport, public TransportLife::Owner {
 public:
  // Starts an endpoint: connection_made() runs next turn, then receiving begins. The loop keeps the
  // transport alive until connection_lost() has run. `remote` is where sendto() sends to by itself;
  // reports name `where`. Throws std::runtime_error if a transport has the descriptor already.
  static std::shared_ptr<DatagramSocketTransport> start(
      EventLoop& loop, Socket socket, SocketAddress remote,
      std::shared_ptr<DatagramProtocol> protocol,
      std::source_location where = std::source_location::current());

  void close() override;
  void abort() override { life_.force_close(nullptr); }
  bool is_closing() const noexcept override { return life_.closing(); }
  void set_protocol(std::shared_ptr<DatagramProtocol> protocol) override;
  std::shared_ptr<DatagramProtocol> get_protocol() const override { return protocol_; }

  void sendto(std::string_view data, const SocketAddress& address) override;
  void send_batch(std::span<const std::string_view> datagrams,
                  const SocketAddress& address) override;
  std::size_t get_write_buffer_size() const noexcept override { return queued_; }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return pauser_.limits(); }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override;

  SocketAddress sockname() const override { return socket_.getsockname(); }
  SocketAddress peername() const override { return connected_ ? remote_ : SocketAddress(); }
  int fileno() const noexcept override { return socket_.fileno(); }
  std::any get_extra_info(std::string_view name, std::any fallback) const override;

 private:
  struct Datagram {
    std::string data;
    SocketAddress address;
  };

  DatagramSocketTransport(EventLoop& loop, Socket socket, SocketAddress remote,
                          std::shared_ptr<DatagramProtocol> protocol, std::source_location created);

  // TransportLife::Owner.
  int descriptor() const noexcept override { return fileno(); }
  void call_connection_made() override { protocol_->connection_made(*this); }
  void start_reading() override;
  void on_readable() override;
  void stop() override;
  std::shared_ptr<BaseProtocol> take_protocol() noexcept override { return std::move(protocol_); }
  void close_descriptor() noexcept override { socket_.close(); }

  void stop_reading();
  void deliver(std::string_view data, const SocketAddress& sender);

  const SocketAddress& destination(const SocketAddress& address) const;
  bool drops_writes();
  bool send_now(std::string_view data, const SocketAddress& address);
  std::size_t send_many(std::span<const std::string_view> datagrams, const SocketAddress& address);
  void keep(std::string_view data, const SocketAddress& address);
  void drop_first();
  void on_writable();
  bool flush_batch();
  void watch_writable();
  void stop_writing();
  void tell_error(int error);

  Socket socket_;
  std::shared_ptr<DatagramProtocol> protocol_;
  const SocketAddress remote_;
  const int family_;
  const bool connected_;
  TransportLife life_;
  WritePauser pauser_;
  std::deque<Datagram> queue_;
  std::size_t queued_ = 0;  // bytes, and 8 more a datagram
  DroppedWrites dropped_writes_;
  bool reading_ = false;  // registered
  bool writing_ = false;  // registered
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_DATAGRAM_SOCKET_TRANSPORT_H_
