// A non-blocking socket.
#ifndef ASYNCIO_TRANSPORTS_SOCKET_H_
#define ASYNCIO_TRANSPORTS_SOCKET_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"

namespace asyncio {

// Owns the descriptor. Every socket made here is non-blocking and close-on-exec; no call waits, and
// none raises SIGPIPE. Calls throw OsError.
class Socket {
 public:
  Socket() = default;

  // Takes over an open socket, and makes it non-blocking.
  explicit Socket(FileDescriptor fd);

  // Python counterpart: socket.socket(family, type, proto).
  static Socket open(int family, int type, int protocol = 0);

  int fileno() const noexcept { return fd_.get(); }
  bool valid() const noexcept { return fd_.valid(); }
  void close() noexcept { fd_.close(); }

  // Bytes received, 0 at the end of the stream; nullopt if nothing is there now.
  std::optional<std::size_t> recv(std::span<char> buffer) const;

  // Bytes the kernel took; nullopt if it takes none now.
  std::optional<std::size_t> send(std::string_view data) const;

  // The next connection, or nullopt if there is none now.
  std::optional<Socket> accept() const;

  void bind(const SocketAddress& address) const;
  void listen(int backlog) const;

  // No more will be sent: the peer reads the end of the stream.
  void shutdown_write() const;

  void set_option(int level, int name, int value) const;
  int option(int level, int name) const;

  SocketAddress getsockname() const;

  // No address if the socket is not connected.
  SocketAddress getpeername() const;

 private:
  FileDescriptor fd_;
};

// Connects; returns when the connection stands. Without delay if it stands at once, else in the
// turn in which the socket becomes writable, plus one. On cancellation the attempt may still go on:
// close the socket. `socket` must outlive the call. Throws ConnectionRefusedError and the like.
//
// Python counterpart: loop.sock_connect().
Coro<> sock_connect(Socket& socket, SocketAddress address);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SOCKET_H_
