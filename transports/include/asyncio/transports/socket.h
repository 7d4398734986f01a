// A non-blocking socket.
#ifndef ASYNCIO_TRANSPORTS_SOCKET_H_
#define ASYNCIO_TRANSPORTS_SOCKET_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/transports/address.h"

namespace asyncio {

struct ConnectedSocket;

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

  // The same for a datagram, which is cut off where the buffer ends, and for its sender: no address
  // if that has none.
  std::optional<std::size_t> recvfrom(std::span<char> buffer, SocketAddress& sender) const;

  // The same for a datagram to `address`.
  std::optional<std::size_t> sendto(std::string_view data, const SocketAddress& address) const;

  // The next connection, or nullopt if there is none now.
  std::optional<Socket> accept() const;

  // The same, and who has connected: known also if the peer has gone again meanwhile.
  std::optional<ConnectedSocket> accept_from() const;

  void bind(const SocketAddress& address) const;
  void listen(int backlog) const;

  // No more will be sent: the peer reads the end of the stream.
  void shutdown_write() const;

  void set_option(int level, int name, int value) const;
  int option(int level, int name) const;

  // SOCK_STREAM, SOCK_DGRAM...
  int type() const { return option(SOL_SOCKET, SO_TYPE); }

  SocketAddress getsockname() const;

  // No address if the socket is not connected.
  SocketAddress getpeername() const;

 private:
  std::optional<Socket> accept(sockaddr* peer, socklen_t* size) const;

  FileDescriptor fd_;
};

// A connected socket, and the address at the other end.
struct ConnectedSocket {
  Socket socket;
  SocketAddress peer;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SOCKET_H_
