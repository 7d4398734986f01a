// Sockets for a server to listen on.
#ifndef ASYNCIO_TRANSPORTS_BIND_SOCKETS_H_
#define ASYNCIO_TRANSPORTS_BIND_SOCKETS_H_

#include <vector>

#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"

namespace asyncio::internal {

struct BindOptions {
  bool reuse_address;
  bool reuse_port;
  bool keep_alive;
};

// One bound socket for each address; those of IPv6 take no IPv4 clients, so that both families may
// share a port. Addresses that this machine does not have are left out as long as one is left.
// Throws OsError, with the address in its text, if one cannot be bound, and if none is left;
// std::invalid_argument if the system cannot share ports. Nothing stays open then.
std::vector<Socket> bind_sockets(const std::vector<SocketAddress>& addresses, BindOptions options);

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_BIND_SOCKETS_H_
