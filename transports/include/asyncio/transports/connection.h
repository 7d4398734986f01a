// Making connections.
#ifndef ASYNCIO_TRANSPORTS_CONNECTION_H_
#define ASYNCIO_TRANSPORTS_CONNECTION_H_

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

struct ConnectionOptions {
  int family = AF_UNSPEC;  // AF_INET or AF_INET6: only such addresses
};
static_assert(std::is_trivially_copyable_v<ConnectionOptions>);

// A transport and the protocol it talks to.
template <class P>
using Connection = std::pair<std::shared_ptr<Transport>, std::shared_ptr<P>>;

namespace internal {

// A socket connected to the first address of `host` that answers.
Coro<Socket> connect_to(std::string host, std::uint16_t port, ConnectionOptions options);

// Starts a transport and waits until connection_made() has run.
Coro<std::shared_ptr<Transport>> start_connection(Socket socket,
                                                  std::shared_ptr<BufferedProtocol> protocol,
                                                  std::source_location where);

template <class P, class Factory>
Coro<Connection<P>> create_connection(Factory factory, std::string host, std::uint16_t port,
                                      ConnectionOptions options, std::source_location where) {
  Socket socket = co_await connect_to(std::move(host), port, options);
  std::shared_ptr<P> protocol = factory();
  std::shared_ptr<Transport> transport =
      co_await start_connection(std::move(socket), protocol, where);
  co_return Connection<P>(std::move(transport), std::move(protocol));
}

}  // namespace internal

// Connects to `host`, a name or an address in figures, and joins the connection to what `factory()`
// returns: a std::shared_ptr or std::unique_ptr to a BufferedProtocol or Protocol, called once the
// connection stands. Addresses are tried one after the other. Resumes after connection_made() has
// run. Throws ResolveError; the last attempt's OsError if there was one address or all failed
// alike, else an OsError that lists them; what the factory throws. On cancellation nothing stays
// open.
//
// Python counterpart: loop.create_connection().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_connection(
    Factory factory, std::string_view host, std::uint16_t port,
    ConnectionOptions options = ConnectionOptions(),
    std::source_location where = std::source_location::current()) {
  using P = typename std::invoke_result_t<Factory&>::element_type;
  return internal::create_connection<P, Factory>(std::move(factory), std::string(host), port,
                                                 options, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_CONNECTION_H_
