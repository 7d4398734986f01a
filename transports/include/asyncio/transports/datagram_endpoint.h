// Making endpoints that send and receive datagrams: UDP, and Unix sockets of that type.
#ifndef ASYNCIO_TRANSPORTS_DATAGRAM_ENDPOINT_H_
#define ASYNCIO_TRANSPORTS_DATAGRAM_ENDPOINT_H_

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// Where an endpoint is, or what it sends to: a name or an address in figures, and a port. An empty
// host is every interface to be at, and this machine to send to. With AF_UNIX `host` is the path.
struct HostPort {
  std::string_view host;
  Port port = 0;
};

struct DatagramOptions {
  // Where it is; none: the system chooses when something is sent.
  std::optional<HostPort> local_addr = std::nullopt;

  // The only address to send to and to receive from.
  std::optional<HostPort> remote_addr = std::nullopt;

  int family = AF_UNSPEC;
  int proto = 0;
  int flags = 0;                 // AI_ flags of resolving both
  bool reuse_port = false;       // SO_REUSEPORT: several endpoints share an address
  bool allow_broadcast = false;  // SO_BROADCAST; anybody may answer then
};
static_assert(std::is_trivially_copyable_v<DatagramOptions>);

// A transport and the protocol it talks to.
template <class P>
using DatagramEndpoint = std::pair<std::shared_ptr<DatagramTransport>, std::shared_ptr<P>>;

namespace internal {

// DatagramOptions that own what they name.
struct DatagramPlan {
  explicit DatagramPlan(const DatagramOptions& options);

  struct Place {
    std::string host;
    std::string port;
  };
  std::optional<Place> local;
  std::optional<Place> remote;
  DatagramOptions options;  // but for the two places
};

// Bound and connected as planned.
struct DatagramSocket {
  Socket socket;
  SocketAddress remote;  // where sendto() sends to; none: where it is told to
};

Coro<DatagramSocket> open_datagram_socket(DatagramPlan plan);

// Throws std::invalid_argument unless it is a datagram socket.
DatagramSocket adopt_datagram_socket(Socket socket);

// Starts a transport and waits until connection_made() has run.
Coro<std::shared_ptr<DatagramTransport>> start_datagram_endpoint(
    DatagramSocket socket, std::shared_ptr<DatagramProtocol> protocol, std::source_location where);

template <class P, class Factory>
Coro<DatagramEndpoint<P>> create_datagram_endpoint(Factory factory, DatagramSocket socket,
                                                   std::source_location where) {
  std::shared_ptr<P> protocol = factory();
  std::shared_ptr<DatagramTransport> transport =
      co_await start_datagram_endpoint(std::move(socket), protocol, where);
  co_return DatagramEndpoint<P>(std::move(transport), std::move(protocol));
}

template <class P, class Factory>
Coro<DatagramEndpoint<P>> create_datagram_endpoint(Factory factory, DatagramPlan plan,
                                                   std::source_location where) {
  DatagramSocket socket = co_await open_datagram_socket(std::move(plan));
  co_return co_await create_datagram_endpoint<P, Factory>(std::move(factory), std::move(socket),
                                                          where);
}

}  // namespace internal

// Opens a datagram socket, binds and connects it as `options` say, and joins it to what `factory()`
// returns: a std::shared_ptr or std::unique_ptr to a DatagramProtocol, called once the socket
// stands. Of several addresses the first that works is taken. Resumes after connection_made() has
// run. Throws ResolveError; OsError if no address works, the first one's; std::invalid_argument if
// there is neither an address nor a family, or the two addresses have no family in common; what the
// factory throws. On cancellation nothing stays open.
//
// A local path of a Unix socket on which nobody listens any more is replaced.
//
// Python counterpart: loop.create_datagram_endpoint().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_datagram_endpoint(
    Factory factory, const DatagramOptions& options,
    std::source_location where = std::source_location::current()) {
  using P = typename std::invoke_result_t<Factory&>::element_type;
  return internal::create_datagram_endpoint<P, Factory>(std::move(factory),
                                                        internal::DatagramPlan(options), where);
}

// The same with a socket that is there already, bound or connected or neither. Throws
// std::invalid_argument unless it is a datagram socket.
//
// Python counterpart: loop.create_datagram_endpoint(sock=...).
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_datagram_endpoint(
    Factory factory, Socket socket, std::source_location where = std::source_location::current()) {
  using P = typename std::invoke_result_t<Factory&>::element_type;
  return internal::create_datagram_endpoint<P, Factory>(
      std::move(factory), internal::adopt_datagram_socket(std::move(socket)), where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_DATAGRAM_ENDPOINT_H_
