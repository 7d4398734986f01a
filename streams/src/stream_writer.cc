#include "asyncio/streams/stream_writer.h"

#include <cerrno>
#include <chrono>

#include "asyncio/selectors/os_error.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/sleep.h"
#include "streams/src/stream_protocol.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

using Stream = std::shared_ptr<internal::StreamProtocol>;

// A connection that is closing gets a turn to say that it is lost.
Coro<> drain_stream(Stream stream) {
  stream->throw_if_failed();
  if (stream->transport() != nullptr && stream->transport()->is_closing()) {
    co_await sleep(0s);
    stream->throw_if_failed();
  }
  if (stream->connection_lost()) throw ConnectionResetError(ECONNRESET, "Connection lost");
  if (!stream->writing_paused()) co_return;
  co_await WaitQueue::wait(&stream->waiting_to_write());
  stream->throw_if_failed();
}

Coro<> wait_for_end(Stream stream) {
  if (!stream->connection_lost()) co_await WaitQueue::wait(&stream->waiting_for_end());
  stream->throw_if_failed();
}

void close_stream(const Stream& stream) {
  if (stream != nullptr && stream->transport() != nullptr) stream->transport()->close();
}

}  // namespace

StreamWriter& StreamWriter::operator=(StreamWriter&& other) noexcept {
  if (this == &other) return *this;
  close_stream(protocol_);
  protocol_ = std::move(other.protocol_);
  return *this;
}

StreamWriter::~StreamWriter() { close_stream(protocol_); }

void StreamWriter::write(std::string_view data) const {
  if (Transport* transport = protocol_->transport()) transport->write(data);
}

void StreamWriter::writelines(std::span<const std::string_view> pieces) const {
  if (Transport* transport = protocol_->transport()) transport->writelines(pieces);
}

Coro<> StreamWriter::drain() const { return drain_stream(protocol_); }

void StreamWriter::write_eof() const {
  if (Transport* transport = protocol_->transport()) transport->write_eof();
}

bool StreamWriter::can_write_eof() const noexcept {
  const Transport* transport = protocol_->transport();
  return transport != nullptr && transport->can_write_eof();
}

void StreamWriter::close() const { close_stream(protocol_); }

bool StreamWriter::is_closing() const noexcept {
  const Transport* transport = protocol_->transport();
  return transport == nullptr || transport->is_closing();
}

Coro<> StreamWriter::wait_closed() const { return wait_for_end(protocol_); }

SocketAddress StreamWriter::sockname() const {
  const Transport* transport = protocol_->transport();
  return transport != nullptr ? transport->sockname() : SocketAddress();
}

SocketAddress StreamWriter::peername() const {
  const Transport* transport = protocol_->transport();
  return transport != nullptr ? transport->peername() : SocketAddress();
}

Transport* StreamWriter::transport() const noexcept { return protocol_->transport(); }

}  // namespace asyncio
