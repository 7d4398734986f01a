#include "asyncio/streams/stream_reader.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "asyncio/futures/errors.h"
#include "asyncio/streams/errors.h"
#include "asyncio/transports/byte_buffer.h"
#include "streams/src/arrival.h"
#include "streams/src/stream_protocol.h"

namespace asyncio {
namespace {

using internal::Arrival;
using internal::StreamProtocol;
using Stream = std::shared_ptr<StreamProtocol>;

// Takes up to `n` buffered bytes. REQUIRES: something is buffered.
std::string take(StreamProtocol& stream, std::size_t n) {
  std::string taken = stream.buffer().take(std::min(n, stream.buffer().size()));
  stream.resume_if_drained();
  return taken;
}

// Whether there is nothing to wait for.
bool has_data_or_eof(const Stream& stream) { return !stream->buffer().empty() || stream->eof(); }

Coro<std::string> read_some(Stream stream, std::size_t n) {
  stream->check_read("read");
  if (n == 0) co_return std::string();
  if (!has_data_or_eof(stream)) {
    std::string text;
    StreamProtocol::Destination destination;
    destination.text = &text;
    destination.most = n;
    co_await Arrival(*stream, &destination);
    if (!text.empty()) co_return text;
    stream->throw_if_failed();
  }
  co_return take(*stream, n);
}

// On cancellation the bytes read so far go back to the stream.
Coro<std::string> read_all(Stream stream) {
  std::string all;
  try {
    while (true) {
      const std::string block = co_await read_some(stream, stream->limit());
      if (block.empty()) break;
      all += block;
    }
  } catch (const CancelledError&) {
    stream->buffer().prepend(all);
    throw;
  }
  co_return all;
}

Coro<std::size_t> read_some_into(Stream stream, std::span<char> buffer) {
  stream->check_read("read_into");
  if (buffer.empty()) co_return 0;
  if (!has_data_or_eof(stream)) {
    StreamProtocol::Destination destination;
    destination.into = buffer;
    co_await Arrival(*stream, &destination);
    if (destination.received > 0) co_return destination.received;
    stream->throw_if_failed();
  }
  const std::size_t size = std::min(buffer.size(), stream->buffer().size());
  std::memcpy(buffer.data(), stream->buffer().view().data(), size);
  stream->buffer().consume(size);
  stream->resume_if_drained();
  co_return size;
}

// Throws IncompleteReadError with everything that is buffered.
[[noreturn]] void throw_incomplete(StreamProtocol& stream, std::optional<std::size_t> expected) {
  throw IncompleteReadError(stream.buffer().take(stream.buffer().size()), expected);
}

Coro<std::string> read_exactly(Stream stream, std::size_t n) {
  if (n > stream->buffer().max_size()) {
    throw std::invalid_argument("readexactly size is negative or more than memory can hold");
  }
  stream->check_read("readexactly");
  while (stream->buffer().size() < n) {
    if (stream->eof()) throw_incomplete(*stream, n);
    co_await Arrival(*stream);
    stream->throw_if_failed();
  }
  co_return n == 0 ? std::string() : take(*stream, n);
}

// Searches each byte once, however often more arrives: what has been searched, less what could be
// the beginning of a separator, is not looked at again.
Coro<std::string> read_until(Stream stream, std::string separator) {
  if (separator.empty()) throw std::invalid_argument("Separator should contain at least one byte");
  stream->check_read("readuntil");
  std::size_t searched = 0;
  while (true) {
    const std::string_view data = stream->buffer().view();
    const std::size_t found = data.find(separator, searched);
    if (found != data.npos) {
      if (found > stream->limit()) {
        throw LimitOverrunError("Separator is found, but chunk is longer than limit", found);
      }
      co_return take(*stream, found + separator.size());
    }
    if (data.size() >= separator.size()) searched = data.size() + 1 - separator.size();
    if (searched > stream->limit()) {
      throw LimitOverrunError("Separator is not found, and chunk exceed the limit", searched);
    }
    if (stream->eof()) throw_incomplete(*stream, std::nullopt);
    co_await Arrival(*stream);
    stream->throw_if_failed();
  }
}

// Drops the line that was too long, or all there is of it.
void drop_overrun(StreamProtocol& stream, std::size_t consumed) {
  const bool ends = stream.buffer().view().substr(consumed, 1) == "\n";
  stream.buffer().consume(ends ? consumed + 1 : stream.buffer().size());
  stream.resume_if_drained();
}

Coro<std::string> read_line(Stream stream) {
  try {
    co_return co_await read_until(stream, "\n");
  } catch (const IncompleteReadError& error) {
    co_return error.partial();
  } catch (const LimitOverrunError& error) {
    drop_overrun(*stream, error.consumed());
    throw std::invalid_argument(error.what());
  }
}

Coro<std::optional<std::string>> next_line(Stream stream) {
  std::string line = co_await read_line(std::move(stream));
  if (line.empty()) co_return std::nullopt;
  co_return line;
}

}  // namespace

Coro<std::string> StreamReader::read(std::ptrdiff_t n) const {
  return n < 0 ? read_all(protocol_) : read_some(protocol_, static_cast<std::size_t>(n));
}

Coro<std::size_t> StreamReader::read_into(std::span<char> buffer) const {
  return read_some_into(protocol_, buffer);
}

Coro<std::string> StreamReader::readexactly(std::size_t n) const {
  return read_exactly(protocol_, n);
}

Coro<std::string> StreamReader::readline() const { return read_line(protocol_); }

Coro<std::string> StreamReader::readuntil(std::string_view separator) const {
  return read_until(protocol_, std::string(separator));
}

Coro<std::optional<std::string>> StreamReader::next() const { return next_line(protocol_); }

bool StreamReader::at_eof() const noexcept {
  return protocol_->eof() && protocol_->buffer().empty();
}

std::exception_ptr StreamReader::exception() const noexcept { return protocol_->failure(); }

}  // namespace asyncio
