// Making connections to Unix sockets.
#ifndef ASYNCIO_TRANSPORTS_UNIX_CONNECTION_H_
#define ASYNCIO_TRANSPORTS_UNIX_CONNECTION_H_

#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

namespace internal {

class UnixPath {
 public:
  explicit UnixPath(std::string_view path) : path_(path) {}
  const std::string& get() const noexcept { return path_; }

 private:
  std::string path_;
};

class UnixSocket {
 public:
  explicit UnixSocket(Socket socket) noexcept : socket_(std::move(socket)) {}
  Socket& get() noexcept { return socket_; }

 private:
  Socket socket_;
};

// A socket connected to the path, and the socket itself if it is a Unix stream socket.
Coro<Socket> connected_socket(UnixPath path);
Coro<Socket> connected_socket(UnixSocket socket);

}  // namespace internal

// Connects to the Unix socket at `path`; one that begins with NUL is an abstract name, of all its
// bytes. Otherwise as create_connection(). Throws std::invalid_argument for a path that is too
// long, as SocketAddress::from_path(); FileNotFoundError, ConnectionRefusedError and the like.
//
// Python counterpart: loop.create_unix_connection().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_unix_connection(
    Factory factory, std::string_view path,
    std::source_location where = std::source_location::current()) {
  return internal::create_connection(std::move(factory), internal::UnixPath(path), where);
}

// The same on a socket that is connected already, and is taken over whatever comes of it. Throws
// std::invalid_argument unless it is a stream socket of the family AF_UNIX.
//
// Python counterpart: loop.create_unix_connection(sock=...).
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_unix_connection(
    Factory factory, Socket socket, std::source_location where = std::source_location::current()) {
  return internal::create_connection(std::move(factory), internal::UnixSocket(std::move(socket)),
                                     where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_UNIX_CONNECTION_H_
