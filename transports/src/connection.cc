#include "asyncio/transports/connection.h"

#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/resolver.h"
#include "transports/src/connector.h"
#include "transports/src/interleave.h"
#include "transports/src/socket_transport.h"
#include "transports/src/until_made.h"

namespace asyncio::internal {
namespace {

ResolveHints hints_of(const ConnectionOptions& options) {
  return {.family = options.family,
          .type = SOCK_STREAM,
          .proto = options.proto,
          .flags = options.flags};
}

// The addresses in the order in which they are tried.
std::vector<AddressInfo> in_order(std::vector<AddressInfo> infos,
                                  const ConnectionOptions& options) {
  const int interleave =
      options.interleave.value_or(options.happy_eyeballs_delay.has_value() ? 1 : 0);
  return interleave > 0 ? interleave_addrinfos(std::move(infos), interleave) : std::move(infos);
}

}  // namespace

Destination::Destination(std::string_view host, Port port, const ConnectionOptions& options)
    : host_(host), port_(port.to_string()), options_(options) {
  if (!options.local_addr.has_value()) return;
  local_host_ = options.local_addr->host;
  local_port_ = options.local_addr->port.to_string();
}

ConnectionOptions Destination::options() const {
  ConnectionOptions options = options_;
  if (options.local_addr.has_value()) options.local_addr = LocalAddress{local_host_, local_port_};
  return options;
}

Coro<Socket> connected_socket(Destination destination) {
  const ConnectionOptions options = destination.options();
  const ResolveHints hints = hints_of(options);
  std::vector<AddressInfo> remote =
      co_await getaddrinfo(destination.host(), destination.port(), hints);
  std::optional<std::vector<AddressInfo>> local;
  if (options.local_addr.has_value()) {
    local = co_await getaddrinfo(options.local_addr->host, options.local_addr->port, hints);
  }
  Connector connector(in_order(std::move(remote), options), std::move(local));
  std::optional<Socket> socket;
  if (options.happy_eyeballs_delay.has_value()) {
    socket = co_await connector.race(*options.happy_eyeballs_delay);
  } else {
    socket = co_await connector.connect_in_turn();
  }
  if (!socket.has_value()) connector.throw_failure(options.all_errors);
  co_return *std::move(socket);
}

Coro<Socket> connected_socket(Socket socket) {
  if (const int type = socket.type(); type != SOCK_STREAM) {
    throw std::invalid_argument(
        absl::StrCat("A Stream Socket was expected, got one of type ", type));
  }
  co_return std::move(socket);
}

Coro<std::shared_ptr<Transport>> start_connection(Socket socket,
                                                  std::shared_ptr<BufferedProtocol> protocol,
                                                  std::source_location where) {
  if (protocol == nullptr) throw std::invalid_argument("the protocol factory returned null");
  std::shared_ptr<SocketTransport> transport = SocketTransport::start(
      get_running_loop(), std::move(socket), std::move(protocol), nullptr, where);
  co_await until_made(transport);
  co_return std::move(transport);
}

}  // namespace asyncio::internal
