#include "asyncio/transports/unix_connection.h"

#include <sys/socket.h>

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/sock_operations.h"

namespace asyncio::internal {

Coro<Socket> connected_socket(UnixPath path) {
  const SocketAddress address = SocketAddress::from_path(path.get());
  Socket socket = Socket::open(AF_UNIX, SOCK_STREAM);
  co_await sock_connect(socket, address);
  co_return std::move(socket);
}

Coro<Socket> connected_socket(UnixSocket owner) {
  Socket socket = std::move(owner.get());
  const int family = socket.option(SOL_SOCKET, SO_DOMAIN);
  const int type = socket.type();
  if (family != AF_UNIX || type != SOCK_STREAM) {
    throw std::invalid_argument(
        absl::StrCat("A UNIX Domain Stream Socket was expected, got one of family ", family,
                     " and type ", type));
  }
  co_return std::move(socket);
}

}  // namespace asyncio::internal
