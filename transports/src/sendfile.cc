#include "asyncio/transports/sendfile.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/block_sender.h"
#include "transports/src/file_part.h"
#include "transports/src/ready_to.h"
#include "transports/src/socket_transport.h"
#include "transports/src/would_block.h"

namespace asyncio {
namespace {

constexpr std::size_t kSocketBlock = 256 * 1024;
constexpr std::size_t kTransportBlock = 16 * 1024;

void require_regular(FilePart& part) {
  if (!part.is_regular()) throw SendfileNotAvailableError("not a regular file");
}

// Whether there is more to send, for which the socket has to be waited for, also if the kernel has
// taken some: other connections want their turn.
bool send_some(FilePart& part, int socket) {
  if (part.done()) return false;
  if (part.send_to(socket) >= 0) return !part.done();
  const int error = last_error();
  if (would_block(error)) return true;
  if (part.sent() == 0) throw SendfileNotAvailableError("os.sendfile call failed");
  if (error == ENOTCONN) throw ConnectionError(error, "sendfile");
  throw_os_error(error, "sendfile");
}

// Through a socket.

void check_socket(const Socket& socket) {
  check_non_blocking(socket);
  if (socket.type() != SOCK_STREAM) {
    throw std::invalid_argument("only SOCK_STREAM type sockets are supported");
  }
}

Coro<> send_natively(Socket& socket, FilePart& part) {
  require_regular(part);
  while (send_some(part, socket.fileno())) co_await ready_to_write(socket);
}

Coro<> send_block(Socket& socket, std::string_view block, FilePart& part) {
  while (!block.empty()) {
    const std::optional<std::size_t> sent = socket.send(block);
    if (sent.has_value()) {
      block.remove_prefix(*sent);
      part.advance(*sent);
    } else {
      co_await ready_to_write(socket);
    }
  }
}

Coro<> send_in_blocks(Socket& socket, FilePart& part) {
  while (!part.done()) {
    const std::string block = co_await part.read(kSocketBlock);
    if (block.empty()) break;
    co_await send_block(socket, block, part);
  }
}

// Through a transport.

// While this lives the stream is a file's: nobody else may write, and nothing is received.
class FileTurn {
 public:
  explicit FileTurn(SocketTransport& transport)
      : transport_(std::static_pointer_cast<SocketTransport>(transport.shared_from_this())),
        was_reading_(transport.is_reading()) {
    transport.begin_sendfile();
    transport.pause_reading();
  }
  FileTurn(const FileTurn&) = delete;
  FileTurn& operator=(const FileTurn&) = delete;
  ~FileTurn() {
    transport_->mark_active();
    transport_->end_sendfile();
    if (was_reading_) transport_->resume_reading();
  }

  // Until all that was written has left and the kernel takes more.
  Coro<> writable() {
    Waiter ready;
    transport_->wake_when_writable(ready);
    const absl::Cleanup withdraw = [this] { transport_->withdraw_waiter(); };
    co_await ready;
    transport_->mark_active();
    if (transport_->lost()) throw_os_error(ECONNABORTED, "sendfile");
  }

 private:
  const std::shared_ptr<SocketTransport> transport_;
  const bool was_reading_;
};

Coro<> send_natively(SocketTransport& transport, FilePart& part) {
  require_regular(part);
  FileTurn turn(transport);
  if (transport.get_write_buffer_size() > 0) co_await turn.writable();
  while (send_some(part, transport.fileno())) co_await turn.writable();
}

Coro<> send_in_blocks(Transport& transport, FilePart& part) {
  const std::shared_ptr<BlockSender> sender = BlockSender::start(transport);
  const absl::Cleanup stop = [&sender] { sender->stop(); };
  while (!part.done()) {
    const std::string block = co_await part.read(kTransportBlock);
    if (block.empty()) break;
    sender->write(block);
    part.advance(block.size());
    co_await sender->drain();
  }
}

std::string name_of(const Transport& transport) {
  return absl::StrCat("transport fd ", transport.fileno());
}

}  // namespace

Coro<std::size_t> sock_sendfile(Socket& socket, int file, SendfileOptions options) {
  check_socket(socket);
  FilePart part(file, options.offset, options.count);
  try {
    co_await send_natively(socket, part);
    co_return part.sent();
  } catch (const SendfileNotAvailableError&) {
    if (!options.fallback) throw;
  }
  co_await send_in_blocks(socket, part);
  co_return part.sent();
}

Coro<std::size_t> sendfile(Transport& transport, int file, SendfileOptions options) {
  if (transport.is_closing()) throw std::runtime_error("Transport is closing");
  if (!transport.can_sendfile()) {
    throw std::runtime_error(absl::StrCat("sendfile is not supported for ", name_of(transport)));
  }
  FilePart part(file, options.offset, options.count);
  if (auto* const socket = dynamic_cast<SocketTransport*>(&transport)) {
    try {
      co_await send_natively(*socket, part);
      co_return part.sent();
    } catch (const SendfileNotAvailableError&) {
      if (!options.fallback) throw;
    }
  } else if (!options.fallback) {
    throw std::runtime_error(absl::StrCat(
        "fallback is disabled and native sendfile is not supported for ", name_of(transport)));
  }
  co_await send_in_blocks(transport, part);
  co_return part.sent();
}

}  // namespace asyncio
