// Serving, with a reader and a writer for each client.
#ifndef ASYNCIO_STREAMS_START_SERVER_H_
#define ASYNCIO_STREAMS_START_SERVER_H_

#include <netdb.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/streams/client_handler.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/unix_server.h"

namespace asyncio {

// As ServerOptions, with a limit.
struct StreamServerOptions {
  std::size_t limit = kDefaultStreamLimit;  // see kDefaultStreamLimit
  int family = AF_UNSPEC;
  int flags = AI_PASSIVE;
  int backlog = 100;
  bool reuse_address = true;
  bool reuse_port = false;
  bool keep_alive = false;
  bool start_serving = true;
  ServerLimits limits = ServerLimits();
};
static_assert(std::is_trivially_copyable_v<StreamServerOptions>);

// As UnixServerOptions, with a limit.
struct StreamUnixServerOptions {
  std::size_t limit = kDefaultStreamLimit;  // see kDefaultStreamLimit
  int backlog = 100;
  bool start_serving = true;
  bool cleanup_socket = true;
  std::optional<mode_t> mode = std::nullopt;
  ServerLimits limits = ServerLimits();
};
static_assert(std::is_trivially_copyable_v<StreamUnixServerOptions>);

namespace internal {

// Makes the protocols of a server that hands each client to `handler`. Throws std::invalid_argument
// for a limit of 0.
ProtocolFactory stream_factory(std::shared_ptr<ClientHandler> handler, std::size_t limit);

template <class F>
ProtocolFactory client_factory(F client_connected, std::size_t limit, std::source_location where) {
  return stream_factory(std::make_shared<HandlerOf<F>>(std::move(client_connected), where), limit);
}

ServerOptions server_options(const StreamServerOptions& options);
UnixServerOptions server_options(const StreamUnixServerOptions& options);

}  // namespace internal

// Listens on `host` and `port` and calls client_connected(reader, writer) for each client, in a
// task of its own: a coroutine function that returns Coro<>, or an ordinary one. The callable is
// kept until the server and its last connection are gone, so it may be a lambda that captures (on
// g++ 12 name it first).
//
// If it throws, the exception handler is told ("Unhandled exception in client_connected_cb") and
// the connection is closed; if its task is cancelled, the connection is closed silently. Dropping
// the writer closes the connection too. Errors and turns as create_server(); std::invalid_argument
// for a limit of 0.
//
// Python counterpart: asyncio.start_server().
template <std::invocable<StreamReader, StreamWriter> F>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> start_server(
    F client_connected, std::string_view host, Port port,
    StreamServerOptions options = StreamServerOptions(),
    std::source_location where = std::source_location::current()) {
  return create_server(internal::client_factory(std::move(client_connected), options.limit, where),
                       host, port, internal::server_options(options), where);
}

// The same on several hosts, and on a socket that is bound already: see create_server().
template <std::invocable<StreamReader, StreamWriter> F>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> start_server(
    F client_connected, std::span<const std::string_view> hosts, Port port,
    StreamServerOptions options = StreamServerOptions(),
    std::source_location where = std::source_location::current()) {
  return create_server(internal::client_factory(std::move(client_connected), options.limit, where),
                       hosts, port, internal::server_options(options), where);
}
template <std::invocable<StreamReader, StreamWriter> F>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> start_server(
    F client_connected, Socket socket, StreamServerOptions options = StreamServerOptions(),
    std::source_location where = std::source_location::current()) {
  return create_server(internal::client_factory(std::move(client_connected), options.limit, where),
                       std::move(socket), internal::server_options(options), where);
}

// The same on a Unix socket, by its path or one that is bound already: see create_unix_server().
//
// Python counterpart: asyncio.start_unix_server().
template <std::invocable<StreamReader, StreamWriter> F>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> start_unix_server(
    F client_connected, std::string_view path,
    StreamUnixServerOptions options = StreamUnixServerOptions(),
    std::source_location where = std::source_location::current()) {
  return create_unix_server(
      internal::client_factory(std::move(client_connected), options.limit, where), path,
      internal::server_options(options), where);
}
template <std::invocable<StreamReader, StreamWriter> F>
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Server> start_unix_server(
    F client_connected, Socket socket, StreamUnixServerOptions options = StreamUnixServerOptions(),
    std::source_location where = std::source_location::current()) {
  return create_unix_server(
      internal::client_factory(std::move(client_connected), options.limit, where),
      std::move(socket), internal::server_options(options), where);
}

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_START_SERVER_H_
