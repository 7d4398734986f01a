// Sending a file.
//
// The system sends it from its cache where it can, and no byte passes through the process; else the
// file is read in blocks, on a thread of the default executor, and the blocks are sent.
//
// In either way the file's position is, whatever ends the sending, behind the last byte that was
// sent: taken by the kernel or, in blocks through a transport, by its buffer. If none was sent it
// is where it was. The descriptor of the file must stay open, and the socket or transport alive,
// until the call ends.
#ifndef ASYNCIO_TRANSPORTS_SENDFILE_H_
#define ASYNCIO_TRANSPORTS_SENDFILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// The system cannot send this file to this socket, and reading it in blocks was not allowed.
// Nothing has been sent.
//
// Python counterpart: asyncio.SendfileNotAvailableError.
class SendfileNotAvailableError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SendfileOptions {
  // From which byte of the file, and how many; to the end of the file if not given.
  std::int64_t offset = 0;
  std::optional<std::int64_t> count = std::nullopt;

  // Whether the file is sent in blocks if the system cannot send it.
  bool fallback = true;
};
static_assert(std::is_trivially_copyable_v<SendfileOptions>);

// Sends `file`, an open descriptor, through the transport; how many bytes were sent. What was
// written before goes first, and what is written after it comes after it. Until the end nothing is
// received, no other protocol may be set, and while it is the system that sends, write() and its
// kin throw std::runtime_error. Blocks are of 16 KiB, and heed the transport's water marks.
//
// A cancellation leaves the transport as usable as before. Throws SendfileNotAvailableError;
// std::invalid_argument for a negative offset and for a count that is not positive;
// std::runtime_error if the transport is closing, or is of a kind that sends no files; a
// ConnectionError if the connection ends meanwhile; and OsError if the file cannot be read.
//
// Python counterpart: loop.sendfile().
Coro<std::size_t> sendfile(Transport& transport, int file,
                           SendfileOptions options = SendfileOptions());

// The same through a socket, of which std::invalid_argument is thrown if it is no stream socket,
// and in debug mode if it blocks. Blocks are of 256 KiB. Without a turn of the loop if the kernel
// takes all at once.
//
// Python counterpart: loop.sock_sendfile().
Coro<std::size_t> sock_sendfile(Socket& socket, int file,
                                SendfileOptions options = SendfileOptions());

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SENDFILE_H_
