#include "transports/src/read_pipe_transport.h"

#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "asyncio/selectors/os_error.h"
#include "transports/src/would_block.h"

namespace asyncio {

std::shared_ptr<ReadPipeTransport> ReadPipeTransport::start(
    EventLoop& loop, FileDescriptor pipe, std::shared_ptr<BufferedProtocol> protocol,
    std::source_location where) {
  std::shared_ptr<ReadPipeTransport> transport(
      new ReadPipeTransport(loop, std::move(pipe), std::move(protocol), where));
  transport->life_.start();
  return transport;
}

ReadPipeTransport::ReadPipeTransport(EventLoop& loop, FileDescriptor pipe,
                                     std::shared_ptr<BufferedProtocol> protocol,
                                     std::source_location created)
    : pipe_(std::move(pipe)), protocol_(std::move(protocol)), life_(*this, loop, created) {}

// The old protocol may be the one that is calling.
void ReadPipeTransport::set_protocol(std::shared_ptr<BufferedProtocol> protocol) {
  if (protocol_ == nullptr) return;
  life_.loop().call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
}

std::any ReadPipeTransport::get_extra_info(std::string_view name, std::any fallback) const {
  return name == "pipe" ? std::any(fileno()) : fallback;
}

void ReadPipeTransport::start_reading() {
  if (!is_reading() || registered_) return;
  registered_ = life_.add_reader();
}

void ReadPipeTransport::stop() {
  if (std::exchange(registered_, false)) life_.loop().remove_reader(fileno());
}

void ReadPipeTransport::pause_reading() {
  if (!is_reading()) return;
  paused_ = true;
  stop();
}

void ReadPipeTransport::resume_reading() {
  if (life_.closing() || !std::exchange(paused_, false)) return;
  start_reading();
}

// What the protocol throws is the loop's to report; the pipe stays open, as in asyncio. The bytes
// are for the protocol that has said where to put them, unless it has stopped reading there.
void ReadPipeTransport::on_readable() {
  BufferedProtocol& receiver = *protocol_;
  const std::span<char> buffer = receiver.get_buffer(0);
  if (!is_reading()) return;
  if (buffer.empty()) throw std::runtime_error("get_buffer() returned an empty buffer");
  const ssize_t size = ::read(fileno(), buffer.data(), buffer.size());
  if (size > 0) {
    receiver.buffer_updated(static_cast<std::size_t>(size));
  } else if (size == 0) {
    on_eof();
  } else {
    on_error(last_error());
  }
}

void ReadPipeTransport::on_error(int error) {
  if (would_block(error)) return;
  try {
    throw_os_error(error, "read");
  } catch (const OsError&) {
    if (error == EIO) return life_.force_close(std::current_exception());
    life_.fail_loudly("Fatal read error on pipe transport");
  }
}

void ReadPipeTransport::on_eof() {
  life_.begin_closing();
  stop();
  life_.loop().call_soon(life_.in_context([this] { protocol_->eof_received(); }), life_.created());
  life_.lose_soon(nullptr);
}

// What there is not.

void ReadPipeTransport::write(std::string_view) {
  throw NotImplementedError("this end of the pipe is read: there is no write()");
}

void ReadPipeTransport::writelines(std::span<const std::string_view>) { write(""); }

void ReadPipeTransport::write_eof() { write(""); }

void ReadPipeTransport::set_write_buffer_limits(std::optional<std::size_t>,
                                                std::optional<std::size_t>) {
  write("");
}

}  // namespace asyncio
