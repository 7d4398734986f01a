// The socket of a transport or server, to look at and to set options of.
#ifndef ASYNCIO_TRANSPORTS_TRANSPORT_SOCKET_H_
#define ASYNCIO_TRANSPORTS_TRANSPORT_SOCKET_H_

#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// A view: it neither keeps the socket open nor can close it, nor receive or send, for that would
// take bytes from the transport. Once the transport has closed the socket, fileno() is -1 and the
// calls that need one throw OsError (EBADF); a later socket with the same number is never reached.
// Copied like a pointer.
//
// Python counterpart: asyncio.trsock.TransportSocket.
class TransportSocket {
 public:
  explicit TransportSocket(std::weak_ptr<const Socket> socket) noexcept
      : socket_(std::move(socket)) {}

  int fileno() const noexcept;

  // AF_INET and so on, SOCK_STREAM and so on, IPPROTO_TCP and so on. Python's attributes.
  int family() const { return getsockopt(SOL_SOCKET, SO_DOMAIN); }
  int type() const { return getsockopt(SOL_SOCKET, SO_TYPE); }
  int proto() const { return getsockopt(SOL_SOCKET, SO_PROTOCOL); }

  // No address once closed, or if there is none.
  SocketAddress getsockname() const;
  SocketAddress getpeername() const;

  int getsockopt(int level, int name) const;
  void setsockopt(int level, int name, int value) const;

  // The same for options whose value is a struct: its bytes.
  void setsockopt(int level, int name, std::string_view value) const;

  // Ends one direction or both: SHUT_RD, SHUT_WR, SHUT_RDWR.
  void shutdown(int how) const;

  // Another descriptor of the same socket, close-on-exec: the caller's.
  FileDescriptor dup() const;

  // Whether child processes inherit it. No socket made here is.
  bool get_inheritable() const;

  // Always 0: it never waits.
  std::chrono::nanoseconds gettimeout() const noexcept { return {}; }

  // Throw std::invalid_argument unless told that it never waits, which it does not anyway.
  void settimeout(std::chrono::nanoseconds timeout) const;
  void setblocking(bool blocking) const;

 private:
  std::weak_ptr<const Socket> socket_;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_TRANSPORT_SOCKET_H_
