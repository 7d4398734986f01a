#include "transports/src/bind_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

void share_port(const Socket& socket) {
  try {
    socket.set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  } catch (const OsError&) {
    throw std::invalid_argument(
        "reuse_port not supported by socket module, SO_REUSEPORT defined but not implemented.");
  }
}

void set_options(const Socket& socket, int family, BindOptions options) {
  if (options.reuse_address) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) share_port(socket);
  if (options.keep_alive) socket.set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
  if (family == AF_INET6) socket.set_option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

// Nothing if this machine does not have the address, or its family.
std::optional<Socket> bind_socket(const SocketAddress& address, BindOptions options) {
  try {
    Socket socket = Socket::open(address.family(), SOCK_STREAM);
    set_options(socket, address.family(), options);
    socket.bind(address);
    return socket;
  } catch (const OsError& error) {
    const int number = error.error_number();
    if (number == EADDRNOTAVAIL || number == EAFNOSUPPORT) return std::nullopt;
    throw_os_error(number,
                   absl::StrCat("error while attempting to bind on address ", address.to_string()));
  }
}

}  // namespace

std::vector<Socket> bind_sockets(const std::vector<SocketAddress>& addresses, BindOptions options) {
  std::vector<Socket> sockets;
  for (const SocketAddress& address : addresses) {
    std::optional<Socket> socket = bind_socket(address, options);
    if (socket.has_value()) sockets.push_back(*std::move(socket));
  }
  if (!sockets.empty()) return sockets;
  const auto to_text = [](std::string* out, const SocketAddress& address) {
    out->append(address.to_string());
  };
  throw_os_error(EADDRNOTAVAIL, absl::StrCat("could not bind on any address out of [",
                                             absl::StrJoin(addresses, ", ", to_text), "]"));
}

}  // namespace asyncio::internal
