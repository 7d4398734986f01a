// Making connections.
#ifndef ASYNCIO_TRANSPORTS_CONNECTION_H_
#define ASYNCIO_TRANSPORTS_CONNECTION_H_

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// Where a connection comes from; port 0: any.
struct LocalAddress {
  std::string_view host;
  Port port = 0;
};

struct ConnectionOptions {
  int family = AF_UNSPEC;  // AF_INET or AF_INET6: only such addresses
  int proto = 0;           // IPPROTO_TCP and so on
  int flags = 0;           // for getaddrinfo(): AI_ADDRCONFIG and so on

  // Looked up as the host is. Each attempt uses the first one that is free and of the family of its
  // own address.
  std::optional<LocalAddress> local_addr = std::nullopt;

  // Happy Eyeballs: after this long without an answer the next address is tried as well; RFC 8305
  // recommends 250 ms. Without it, the next is tried when the one before has failed.
  std::optional<Duration> happy_eyeballs_delay = std::nullopt;

  // The families take turns, this many of the first one's addresses going first; 0 is the order of
  // the resolver. By default 1 with happy_eyeballs_delay, else 0.
  std::optional<int> interleave = std::nullopt;

  // Whether all failures together are thrown, in an ExceptionGroup of OsErrors.
  bool all_errors = false;
};
static_assert(std::is_trivially_copyable_v<ConnectionOptions>);

// A transport and the protocol it talks to.
template <class P>
using Connection = std::pair<std::shared_ptr<Transport>, std::shared_ptr<P>>;

namespace internal {

// A host and what goes with it, with texts of its own.
class Destination {
 public:
  Destination(std::string_view host, Port port, const ConnectionOptions& options);

  const std::string& host() const noexcept { return host_; }
  const std::string& port() const noexcept { return port_; }

  // local_addr refers to this object.
  ConnectionOptions options() const;

 private:
  std::string host_;
  std::string port_;
  std::string local_host_;
  std::string local_port_;
  ConnectionOptions options_;
};

// A socket connected to the first of the addresses that answers.
Coro<Socket> connected_socket(Destination destination);

// The socket itself, if it is a stream socket.
Coro<Socket> connected_socket(Socket socket);

// Starts a transport and waits until connection_made() has run.
Coro<std::shared_ptr<Transport>> start_connection(Socket socket,
                                                  std::shared_ptr<BufferedProtocol> protocol,
                                                  std::source_location where);

template <class Factory>
using ProtocolOf = typename std::invoke_result_t<Factory&>::element_type;

// `target`: what connected_socket() takes.
template <class Factory, class Target>
Coro<Connection<ProtocolOf<Factory>>> create_connection(Factory factory, Target target,
                                                        std::source_location where) {
  Socket socket = co_await connected_socket(std::move(target));
  std::shared_ptr<ProtocolOf<Factory>> protocol = factory();
  std::shared_ptr<Transport> transport =
      co_await start_connection(std::move(socket), protocol, where);
  co_return Connection<ProtocolOf<Factory>>(std::move(transport), std::move(protocol));
}

}  // namespace internal

// Connects to `host`, a name or an address in figures, and joins the connection to what `factory()`
// returns: a std::shared_ptr or std::unique_ptr to a BufferedProtocol or Protocol, called once the
// connection stands. Resumes after connection_made() has run. On cancellation nothing stays open.
//
// Throws ResolveError; the OsError if there was one address or all failed alike, else an OsError
// that lists them, or an ExceptionGroup on request; what the factory throws, std::invalid_argument
// if it returns null. Whatever is thrown, nothing stays open.
//
// Python counterpart: loop.create_connection().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_connection(
    Factory factory, std::string_view host, Port port,
    ConnectionOptions options = ConnectionOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_connection(std::move(factory), internal::Destination(host, port, options),
                                     where);
}

// The same on a socket that is connected already, and is taken over whatever comes of it. Throws
// std::invalid_argument unless it is a stream socket (SOCK_STREAM).
//
// Python counterpart: loop.create_connection(sock=...).
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto create_connection(
    Factory factory, Socket socket, std::source_location where = std::source_location::current()) {
  return internal::create_connection(std::move(factory), std::move(socket), where);
}

// The same for a socket that was accepted outside of asyncio.
//
// Python counterpart: loop.connect_accepted_socket().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto connect_accepted_socket(
    Factory factory, Socket socket, std::source_location where = std::source_location::current()) {
  return internal::create_connection(std::move(factory), std::move(socket), where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_CONNECTION_H_
