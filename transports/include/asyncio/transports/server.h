// Accepting connections.
#ifndef ASYNCIO_TRANSPORTS_SERVER_H_
#define ASYNCIO_TRANSPORTS_SERVER_H_

#include <sys/socket.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

namespace internal {
class ServerState;
}  // namespace internal

struct ServerOptions {
  int family = AF_UNSPEC;     // AF_INET or AF_INET6: only such addresses
  int backlog = 100;          // connections that may wait to be accepted
  bool reuse_address = true;  // SO_REUSEADDR
  bool reuse_port = false;    // SO_REUSEPORT: several servers share a port
  bool start_serving = true;  // false: call start_serving() when ready
};
static_assert(std::is_trivially_copyable_v<ServerOptions>);

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
  std::span<const Socket> sockets() const noexcept;

  // Whether connections are being accepted.
  bool is_serving() const noexcept;

  EventLoop& get_loop() const noexcept;

  // Begins to accept connections. Idempotent; takes one turn. Throws std::runtime_error once
  // closed.
  Coro<> start_serving() const;

  // Accepts connections until cancelled or close()d; either way it then closes the server and its
  // connections, waits for their end and throws CancelledError. Throws std::runtime_error if
  // somebody is in it already, or the server is closed.
  Coro<> serve_forever() const;

  // Stops listening. Connections go on. Idempotent.
  void close() const noexcept;

  // Closes, or aborts, every connection that the server has accepted.
  void close_clients() const;
  void abort_clients() const;

  // Returns when the server is closed and its last connection has ended. On cancellation nothing is
  // lost.
  Coro<> wait_closed() const;

  // For with(): nothing; close() and wait_closed().
  void enter() const noexcept {}
  Coro<> exit(std::exception_ptr error) const;

 private:
  std::shared_ptr<internal::ServerState> state_;
};

using ProtocolFactory = absl::AnyInvocable<std::shared_ptr<BufferedProtocol>()>;

namespace internal {

Coro<Server> create_server(ProtocolFactory factory, std::string host, std::uint16_t port,
                           ServerOptions options, std::source_location where);

}  // namespace internal

// Listens on `host` and `port`, and joins every connection to what `factory()` returns: a
// std::shared_ptr or std::unique_ptr to a BufferedProtocol or Protocol. An empty host means every
// interface, port 0 any free port (with two families: two different ones). Resumes one turn after
// listening has begun. Throws ResolveError, and OsError with the address in its text if an address
// cannot be bound; then nothing stays open.
//
// When the process is out of descriptors the exception handler is told once, and accepting pauses
// for a second.
//
// Python counterpart: loop.create_server().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> create_server(
    Factory factory, std::string_view host, std::uint16_t port,
    ServerOptions options = ServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::create_server(ProtocolFactory(std::move(factory)), std::string(host), port,
                                 options, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SERVER_H_
