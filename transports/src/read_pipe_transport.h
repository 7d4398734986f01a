// The transport of the end of a pipe that is read.
#ifndef ASYNCIO_TRANSPORTS_READ_PIPE_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_READ_PIPE_TRANSPORT_H_

#include <any>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"
#include "transports/src/transport_life.h"

namespace asyncio {

class ReadPipeTransport final : public Transport, public TransportLife::Owner {
 public:
  // Starts it: connection_made() runs next turn, then reading begins. The loop keeps the transport
  // alive until connection_lost() has run. Throws std::runtime_error if a transport has the
  // descriptor already.
  static std::shared_ptr<ReadPipeTransport> start(
      EventLoop& loop, FileDescriptor pipe, std::shared_ptr<BufferedProtocol> protocol,
      std::source_location where = std::source_location::current());

  void close() override { life_.force_close(nullptr); }
  void abort() override { life_.force_close(nullptr); }
  bool is_closing() const noexcept override { return life_.closing(); }
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override;
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return protocol_; }

  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const noexcept override { return !life_.closing() && !paused_; }

  void write(std::string_view data) override;
  void writelines(std::span<const std::string_view> pieces) override;
  void write_eof() override;
  bool can_write_eof() const noexcept override { return false; }
  std::size_t get_write_buffer_size() const noexcept override { return 0; }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return {}; }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override;

  SocketAddress sockname() const override { return SocketAddress(); }
  SocketAddress peername() const override { return SocketAddress(); }
  int fileno() const noexcept override { return pipe_.get(); }
  std::any get_extra_info(std::string_view name, std::any fallback) const override;

 private:
  ReadPipeTransport(EventLoop& loop, FileDescriptor pipe,
                    std::shared_ptr<BufferedProtocol> protocol, std::source_location created);

  // TransportLife::Owner.
  int descriptor() const noexcept override { return fileno(); }
  void call_connection_made() override { protocol_->connection_made(*this); }
  void start_reading() override;
  void on_readable() override;
  void stop() override;
  std::shared_ptr<BaseProtocol> take_protocol() noexcept override { return std::move(protocol_); }
  void close_descriptor() noexcept override { pipe_.close(); }

  void on_error(int error);
  void on_eof();

  FileDescriptor pipe_;
  std::shared_ptr<BufferedProtocol> protocol_;
  TransportLife life_;
  bool paused_ = false;
  bool registered_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_READ_PIPE_TRANSPORT_H_
