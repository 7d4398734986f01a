// Accepting connections.
#ifndef ASYNCIO_TRANSPORTS_SERVER_H_
#define ASYNCIO_TRANSPORTS_SERVER_H_

#include <netdb.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport_socket.h"

namespace asyncio {

namespace internal {
class ServerState;
}  // namespace internal

struct ServerOptions {
  int family = AF_UNSPEC;     // AF_INET or AF_INET6: only such addresses
  int flags = AI_PASSIVE;     // for getaddrinfo()
  int backlog = 100;          // connections that may wait to be accepted
  bool reuse_address = true;  // SO_REUSEADDR
  bool reuse_port = false;    // SO_REUSEPORT: several servers share a port
  bool keep_alive = false;    // SO_KEEPALIVE, which connections inherit
  bool start_serving = true;  // false: call start_serving() when ready
  ServerLimits limits = ServerLimits();
};
static_assert(std::is_trivially_copyable_v<ServerOptions>);

// What became of the connections of a server that was shut down.
struct ShutdownCounts {
  std::size_t finished = 0;  // in time
  std::size_t aborted = 0;

  friend bool operator==(const ShutdownCounts&, const ShutdownCounts&) = default;
};

// Sockets that listen. Dropping the Server stops listening, as close() does; connections go on.
//
// Python counterpart: asyncio.Server.
class [[nodiscard("dropping a Server stops it")]] Server {
 public:
  explicit Server(std::shared_ptr<internal::ServerState> state) noexcept
      : state_(std::move(state)) {}
  Server(Server&&) noexcept = default;
  Server& operator=(Server&& other) noexcept;
  ~Server();

  // The sockets that listen, to ask for their addresses:
  // `server.sockets()[0].getsockname().port()`. Empty once closed.
  std::vector<TransportSocket> sockets() const;

  // Whether connections are being accepted.
  bool is_serving() const noexcept;

  EventLoop& get_loop() const noexcept;

  // Connections that were closed at once because of ServerLimits. Python has no such thing.
  std::uint64_t refused() const noexcept;

  // Begins to accept connections. Idempotent; takes one turn. Throws std::runtime_error once
  // closed, OsError if a port is taken; then it may be tried again.
  Coro<> start_serving() const;

  // Accepts connections until cancelled or close()d. Either way it then closes the server and its
  // connections, and throws CancelledError when they have ended: they have `grace` to send what is
  // buffered, and are aborted after that, or at once on another cancellation. Throws
  // std::runtime_error if somebody is in it already, or the server is closed.
  //
  // Python has no grace: a client that never reads holds it up for ever, as Duration::infinite()
  // does here.
  Coro<> serve_forever(Duration grace = std::chrono::seconds(10)) const;

  // Stops listening. Connections go on. Idempotent.
  void close() const noexcept;

  // Closes, or aborts, every connection that the server has accepted.
  void close_clients() const;
  void abort_clients() const;

  // Returns when the server is closed and its last connection has ended. On cancellation nothing is
  // lost.
  Coro<> wait_closed() const;

  // close(), and lets the connections end by themselves, for at most `grace`; then aborts the rest.
  // Returns when all have ended: at once if there is none, else a turn or more after the last. On
  // cancellation the rest is aborted at once, and CancelledError is thrown when it has ended.
  //
  // Python has no counterpart.
  Coro<ShutdownCounts> shutdown(Duration grace) const;

  // For with(): nothing; close() and wait_closed().
  void enter() const noexcept {}
  Coro<> exit(std::exception_ptr error) const;

 private:
  std::shared_ptr<internal::ServerState> state_;
};

namespace internal {

// Begins to serve if `start` says so. Nothing stays open if that fails.
Coro<Server> make_server(std::shared_ptr<ServerState> state, bool start);

Coro<Server> create_server(ProtocolFactory factory, std::vector<std::string> hosts,
                           std::string port, ServerOptions options, std::source_location where);

Coro<Server> create_server(ProtocolFactory factory, Socket socket, ServerOptions options,
                           std::source_location where);

}  // namespace internal

// Listens on `host` and `port`, and joins every connection to what `factory()` returns: a
// std::shared_ptr or std::unique_ptr to a BufferedProtocol or Protocol. An empty host means every
// interface of both families, port 0 any free port (with two families: two different ones). Resumes
// one turn after listening has begun. Throws ResolveError, OsError with the address in its text if
// an address cannot be bound, std::invalid_argument if ports cannot be shared; then, and on
// cancellation, nothing stays open.
//
// The factory and what is called for a connection run in a copy of its own of the context that was
// current when the server was made. A factory that throws costs its connection and nothing else,
// and is reported in debug mode ("Error on transport creation for incoming connection"); one that
// returns null is always reported.
//
// When the process is out of descriptors the exception handler is told once, and accepting pauses
// for a second. See ServerLimits for what a client may not do.
//
// Python counterpart: loop.create_server().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_server(
    Factory factory, std::string_view host, Port port, ServerOptions options = ServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_server(ProtocolFactory(std::move(factory)),
                                 std::vector<std::string>(1, std::string(host)), port.to_string(),
                                 options, where);
}

// The same on several hosts, which are looked up at the same time. Addresses that come more than
// once are bound once.
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_server(
    Factory factory, std::span<const std::string_view> hosts, Port port,
    ServerOptions options = ServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_server(ProtocolFactory(std::move(factory)),
                                 std::vector<std::string>(hosts.begin(), hosts.end()),
                                 port.to_string(), options, where);
}

// The same on a socket that is bound already, and may listen; it is taken over whatever comes of
// it. Of the options, `backlog`, `start_serving` and `limits` count. Throws std::invalid_argument
// unless it is a stream socket.
//
// Python counterpart: loop.create_server(sock=...).
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_server(
    Factory factory, Socket socket, ServerOptions options = ServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_server(ProtocolFactory(std::move(factory)), std::move(socket), options,
                                 where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SERVER_H_
