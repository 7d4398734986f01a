// Serving, with a reader and a writer for each client.
#ifndef ASYNCIO_STREAMS_START_SERVER_H_
#define ASYNCIO_STREAMS_START_SERVER_H_

#include <sys/socket.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
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

// What a server does with each client, whatever callable it was given.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;

  // REQUIRES: the handler outlives the coroutine.
  virtual Coro<> serve(StreamReader reader, StreamWriter writer) = 0;
};

template <class F>
class CoroutineHandler final : public ClientHandler {
 public:
  explicit CoroutineHandler(F function) : function_(std::move(function)) {}

  ASYNCIO_INTERNAL_CORO_WRAPPER Coro<> serve(StreamReader reader, StreamWriter writer) override {
    return function_(std::move(reader), std::move(writer));
  }

 private:
  F function_;
};

template <class F>
class PlainHandler final : public ClientHandler {
 public:
  explicit PlainHandler(F function) : function_(std::move(function)) {}

  Coro<> serve(StreamReader reader, StreamWriter writer) override {
    function_(std::move(reader), std::move(writer));
    co_return;
  }

 private:
  F function_;
};

template <class F>
using HandlerOf =
    std::conditional_t<std::same_as<std::invoke_result_t<F&, StreamReader, StreamWriter>, Coro<>>,
                       CoroutineHandler<F>, PlainHandler<F>>;

Coro<Server> start_server(std::shared_ptr<ClientHandler> handler, std::string host,
                          std::uint16_t port, StreamServerOptions options,
                          std::source_location where);

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
    F client_connected, std::string_view host, std::uint16_t port,
    StreamServerOptions options = StreamServerOptions(),
    std::source_location where = std::source_location::current()) {
  return internal::start_server(
      std::make_shared<internal::HandlerOf<F>>(std::move(client_connected)), std::string(host),
      port, options, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_START_SERVER_H_
