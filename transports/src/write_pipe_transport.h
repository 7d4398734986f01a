// The transport of the end of a pipe that is written.
#ifndef ASYNCIO_TRANSPORTS_WRITE_PIPE_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_WRITE_PIPE_TRANSPORT_H_

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
#include "transports/src/write_funnel.h"

namespace asyncio {

class WritePipeTransport final : public Transport,
                                 public TransportLife::Owner,
                                 private WriteFunnel::Owner {
 public:
  // Starts it: connection_made() runs next turn. The loop keeps the transport alive until
  // connection_lost() has run. Throws std::runtime_error if a transport has the descriptor already.
  static std::shared_ptr<WritePipeTransport> start(
      EventLoop& loop, FileDescriptor pipe, std::shared_ptr<BufferedProtocol> protocol,
      std::source_location where = std::source_location::current());

  void close() override;
  void abort() override { life_.force_close(nullptr); }
  bool is_closing() const noexcept override { return life_.closing(); }
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override;
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return protocol_; }

  void pause_reading() override {}
  void resume_reading() override {}
  bool is_reading() const noexcept override { return false; }

  void write(std::string_view data) override;
  void writelines(std::span<const std::string_view> pieces) override;
  void write_eof() override { close(); }
  bool can_write_eof() const noexcept override { return true; }
  std::size_t get_write_buffer_size() const noexcept override { return funnel_.size(); }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return funnel_.limits(); }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override;

  SocketAddress sockname() const override { return SocketAddress(); }
  SocketAddress peername() const override { return SocketAddress(); }
  int fileno() const noexcept override { return pipe_.get(); }
  std::any get_extra_info(std::string_view name, std::any fallback) const override;

 private:
  WritePipeTransport(EventLoop& loop, FileDescriptor pipe,
                     std::shared_ptr<BufferedProtocol> protocol, std::source_location created);

  // TransportLife::Owner.
  int descriptor() const noexcept override { return fileno(); }
  void call_connection_made() override { protocol_->connection_made(*this); }
  void start_reading() override;
  void on_readable() override;
  void stop() override;
  std::shared_ptr<BaseProtocol> take_protocol() noexcept override { return std::move(protocol_); }
  void close_descriptor() noexcept override { pipe_.close(); }

  // WriteFunnel::Owner.
  BaseProtocol* writer() const noexcept override { return protocol_.get(); }
  void flushed() override;
  void write_failed() override { life_.fail("Fatal write error on pipe transport"); }
  const char* dropped_write_warning() const noexcept override {
    return "pipe closed by peer or os.write(pipe, data) raised exception.";
  }

  void stop_watching_reader();

  FileDescriptor pipe_;
  std::shared_ptr<BufferedProtocol> protocol_;
  TransportLife life_;
  WriteFunnel funnel_;
  bool watching_reader_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_WRITE_PIPE_TRANSPORT_H_
