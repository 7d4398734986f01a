// StreamReader: how the bytes of a connection are consumed.
//
// One task reads at a time: a second concurrent read throws std::runtime_error, even if it would
// find what it needs. Every read throws, at once, the exception that ended the connection, even if
// data is still buffered. Cancelling a read loses nothing: what has arrived stays in the stream. A
// read that finds what it needs takes no turn; else it resumes in the turn after the bytes arrive.
//
// Python counterpart: asyncio.StreamReader.
#ifndef ASYNCIO_STREAMS_STREAM_READER_H_
#define ASYNCIO_STREAMS_STREAM_READER_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/tasks/coro.h"

namespace asyncio {

namespace internal {
class StreamProtocol;
}  // namespace internal

// How much a stream buffers, in bytes, before it stops receiving is twice this; and it is the
// longest line that readline() and readuntil() find.
inline constexpr std::size_t kDefaultStreamLimit = 64 * 1024;

// Move-only. A read that is under way keeps what it needs alive, so a reader may be moved or
// dropped.
class StreamReader {
 public:
  explicit StreamReader(std::shared_ptr<internal::StreamProtocol> protocol) noexcept
      : protocol_(std::move(protocol)) {}
  StreamReader(StreamReader&&) noexcept = default;
  StreamReader& operator=(StreamReader&&) noexcept = default;

  // Up to `n` bytes, as soon as there are any; empty at the end of the stream, or if n is 0. Less
  // than 0, or nothing: everything up to the end of the stream, not bounded by the limit.
  Coro<std::string> read(std::ptrdiff_t n = -1) const;

  // Up to buffer.size() bytes put into `buffer`, as soon as there are any, without a copy on the
  // way; how many: 0 at the end of the stream, or if the buffer is empty. The buffer must stay
  // valid until this returns. Addition to asyncio.
  Coro<std::size_t> read_into(std::span<char> buffer) const;

  // Exactly `n` bytes. Throws IncompleteReadError, with what there was, if the stream ends before;
  // std::invalid_argument if no memory could hold them, as with a negative number made unsigned.
  Coro<std::string> readexactly(std::size_t n) const;

  // Up to and including the line feed; what is left at the end of the stream; empty after that.
  // Throws std::invalid_argument for a line longer than the limit; its bytes so far are dropped.
  Coro<std::string> readline() const;

  // Up to and including the separator. Throws IncompleteReadError, with what there was, at the end
  // of the stream; LimitOverrunError if more than the limit comes before the separator: the data
  // stays in the stream. An empty separator: std::invalid_argument.
  Coro<std::string> readuntil(std::string_view separator = "\n") const;

  // The next line, with its line feed; nullopt at the end of the stream. Python's `async for line
  // in reader`. Errors as readline().
  Coro<std::optional<std::string>> next() const;

  // Whether the end of the stream has been reached and everything has been read.
  bool at_eof() const noexcept;

  // What ended the connection, or null.
  std::exception_ptr exception() const noexcept;

 private:
  std::shared_ptr<internal::StreamProtocol> protocol_;
};

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_STREAM_READER_H_
