#include "asyncio/transports/unix_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "transports/src/server_state.h"
#include "transports/src/socket_file.h"

namespace asyncio::internal {
namespace {

bool has_file(const std::string& path) { return !path.empty() && path[0] != '\0'; }

// Whether the path was free.
bool try_to_bind(const Socket& socket, const SocketAddress& address) {
  try {
    socket.bind(address);
    return true;
  } catch (const OsError& error) {
    if (error.error_number() != EADDRINUSE) throw;
    return false;
  }
}

// Two that do this at the same time both come out of it with a socket or an error, and the path is
// the later one's.
void bind_path(const Socket& socket, const std::string& path) {
  const SocketAddress address = SocketAddress::from_path(path);
  if (try_to_bind(socket, address)) return;
  if (has_file(path) && remove_socket_file(path) && try_to_bind(socket, address)) return;
  throw_os_error(EADDRINUSE, absl::StrCat("Address '", address.to_string(), "' is already in use"));
}

// The file is made with the permissions of the unbound socket, less the umask: never with more than
// `mode`, not even for a moment.
void narrow(const Socket& socket, mode_t mode) { check(::fchmod(socket.fileno(), mode), "fchmod"); }

// What the umask has taken is given back, but to no other file that is there by now.
void widen(const std::string& path, mode_t mode) {
  check(::fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW), "fchmodat");
}

}  // namespace

Coro<Server> create_unix_server(ProtocolFactory factory, std::string path,
                                UnixServerOptions options, std::source_location where) {
  if (path.empty()) throw std::invalid_argument("path was not specified, and no sock specified");
  const bool with_mode = options.mode.has_value() && has_file(path);
  auto state =
      std::make_shared<ServerState>(get_running_loop(), std::move(factory), options.limits, where);
  Socket socket = Socket::open(AF_UNIX, SOCK_STREAM);
  if (with_mode) narrow(socket, *options.mode);
  bind_path(socket, path);
  state->add_listener(std::move(socket), options.backlog);
  if (options.cleanup_socket && has_file(path)) state->clean_up(path);
  if (with_mode) widen(path, *options.mode);
  co_return co_await make_server(std::move(state), options.start_serving);
}

Coro<Server> create_unix_server(ProtocolFactory factory, Socket socket, UnixServerOptions options,
                                std::source_location where) {
  if (socket.option(SOL_SOCKET, SO_DOMAIN) != AF_UNIX ||
      socket.option(SOL_SOCKET, SO_TYPE) != SOCK_STREAM) {
    throw std::invalid_argument(
        absl::StrCat("A UNIX Domain Stream Socket was expected, got descriptor ", socket.fileno()));
  }
  const std::string path = socket.getsockname().path();
  auto state =
      std::make_shared<ServerState>(get_running_loop(), std::move(factory), options.limits, where);
  state->add_listener(std::move(socket), options.backlog);
  if (options.cleanup_socket && has_file(path)) state->clean_up(path);
  co_return co_await make_server(std::move(state), options.start_serving);
}

}  // namespace asyncio::internal
