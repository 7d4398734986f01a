// Serving, with a reader and a writer for each client.
#ifndef ASYNCIO_STREAMS_START_SERVER_H_
#define ASYNCIO_STREAMS_START_SERVER_H_

#include <sys/socket.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/server.h"

namespace asyncio {

struct StreamServerOptions {
  std::size_t limit = kDefaultStreamLimit;  // see kDefaultStreamLimit
  int family = AF_UNSPEC;                   // as in ServerOptions, like all that follow
  int backlog = 100;
  bool reuse_address = true;
  bool reuse_port = false;
  bool start_serving = true;
};
static_assert(std::is_trivially_copyable_v<StreamServerOptions>);

namespace internal {

using ClientConnectedCallback = absl::AnyInvocable<Coro<>(StreamReader, StreamWriter)>;

Coro<Server> start_server(ClientConnectedCallback client_connected, std::string host,
                          std::uint16_t port, StreamServerOptions options);

// A coroutine around a callback that is none.
template <class F>
Coro<> call_plain(F* callback, StreamReader reader, StreamWriter writer) {
  std::invoke(*callback, std::move(reader), std::move(writer));
  co_return;
}

}  // namespace internal

// Listens on `host` and `port` and calls client_connected(reader, writer) for each client, in a task of
// its own: a coroutine function that returns Coro<>, or an ordinary one. The callable is kept until the
// server and its last connection are gone, so it may be a lambda that captures (on g++ 12 name it first).
//
// If it throws, the exception handler is told ("Unhandled exception in client_connected_cb") and the
// connection is closed; if its task is cancelled, the connection is closed silently. Dropping the writer
// closes the connection too. Errors and turns as create_server();
// std::invalid_argument for a limit of 0.
//
// Python counterpart: asyncio.start_server().
template <std::invocable<StreamReader, StreamWriter> F>
Coro<Server> start_server(F client_connected, std::string_view host, std::uint16_t port,
                          StreamServerOptions options = StreamServerOptions()) {
  if constexpr (std::same_as<std::invoke_result_t<F&, StreamReader, StreamWriter>, Coro<>>) {
    return internal::start_server(std::move(client_connected), std::string(host), port, options);
  } else {
    auto as_coroutine = [client_connected = std::move(client_connected)](
                            StreamReader reader, StreamWriter writer) mutable {
      return internal::call_plain(&client_connected, std::move(reader), std::move(writer));
    };
    return internal::start_server(std::move(as_coroutine), std::string(host), port, options);
  }
}

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_START_SERVER_H_
