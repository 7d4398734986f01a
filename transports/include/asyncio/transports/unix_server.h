// Accepting connections on a Unix socket.
#ifndef ASYNCIO_TRANSPORTS_UNIX_SERVER_H_
#define ASYNCIO_TRANSPORTS_UNIX_SERVER_H_

#include <sys/types.h>

#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

struct UnixServerOptions {
  int backlog = 100;           // connections that may wait to be accepted
  bool start_serving = true;   // false: call start_serving() when ready
  bool cleanup_socket = true;  // closing the server removes the file

  // Who may connect: the permissions of the file, such as 0600, whatever the umask. They hold
  // before anybody can connect. By default all that the umask leaves.
  std::optional<mode_t> mode = std::nullopt;

  ServerLimits limits = ServerLimits();
};
static_assert(std::is_trivially_copyable_v<UnixServerOptions>);

namespace internal {

Coro<Server> create_unix_server(ProtocolFactory factory, std::string path,
                                UnixServerOptions options, std::source_location where);

Coro<Server> create_unix_server(ProtocolFactory factory, Socket socket, UnixServerOptions options,
                                std::source_location where);

}  // namespace internal

// Listens on the Unix socket `path`; one that begins with NUL is an abstract name, of all its bytes
// and of no file. A socket that is there already is replaced, even one on which another server
// listens: that one keeps its connections and gets no more. Anything else that is there, also a
// symbolic link, is OsError (EADDRINUSE) and stays untouched. Closing the server removes the file,
// unless somebody has replaced it meanwhile.
//
// Otherwise as create_server(). Throws std::invalid_argument for a path that is empty or too long,
// OsError if it cannot be bound; then nothing stays behind. peer_credentials() tells who a client
// is.
//
// Python counterpart: loop.create_unix_server().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_unix_server(
    Factory factory, std::string_view path, UnixServerOptions options = UnixServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_unix_server(ProtocolFactory(std::move(factory)), std::string(path),
                                      options, where);
}

// The same on a socket that is bound already, and may listen; it is taken over whatever comes of
// it. `mode` does not count. Throws std::invalid_argument unless it is a stream socket of the
// family AF_UNIX.
//
// Python counterpart: loop.create_unix_server(sock=...).
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_unix_server(
    Factory factory, Socket socket, UnixServerOptions options = UnixServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_unix_server(ProtocolFactory(std::move(factory)), std::move(socket),
                                      options, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_UNIX_SERVER_H_
