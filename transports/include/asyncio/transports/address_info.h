// What a resolver answers: an address, and the socket that reaches it.
#ifndef ASYNCIO_TRANSPORTS_ADDRESS_INFO_H_
#define ASYNCIO_TRANSPORTS_ADDRESS_INFO_H_

#include <sys/socket.h>

#include <string>
#include <utility>

#include "asyncio/transports/address.h"

namespace asyncio {

// Python counterpart: the tuple (family, type, proto, canonname, sockaddr).
struct AddressInfo {
  AddressInfo() = default;
  AddressInfo(int family, int type, int proto, std::string canonname, SocketAddress address)
      : family(family),
        type(type),
        proto(proto),
        canonname(std::move(canonname)),
        address(std::move(address)) {}

  friend bool operator==(const AddressInfo&, const AddressInfo&) = default;

  int family = AF_UNSPEC;  // AF_INET and so on
  int type = 0;            // SOCK_STREAM and so on
  int proto = 0;           // IPPROTO_TCP and so on
  std::string canonname;   // of the first answer, if AI_CANONNAME was asked for
  SocketAddress address;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_ADDRESS_INFO_H_
