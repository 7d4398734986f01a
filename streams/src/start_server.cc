#include "asyncio/streams/start_server.h"

#include <exception>
#include <memory>
#include <stdexcept>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "streams/src/stream_protocol.h"

namespace asyncio::internal {
namespace {

using SharedCallback = std::shared_ptr<ClientConnectedCallback>;

// The life of one client. Keeps the callback alive, for a coroutine may refer to its closure.
Coro<> serve_client(SharedCallback callback, std::shared_ptr<StreamProtocol> protocol) {
  EventLoop& loop = get_running_loop();
  StreamReader reader(protocol);
  StreamWriter writer(protocol);
  try {
    co_await (*callback)(std::move(reader), std::move(writer));
    co_return;
  } catch (const CancelledError&) {
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    loop.call_exception_handler({.message = "Unhandled exception in client_connected_cb",
                                 .exception = std::current_exception()});
  }
  if (Transport* transport = protocol->transport()) transport->close();
}

}  // namespace

Coro<Server> start_server(ClientConnectedCallback client_connected, std::string host,
                          std::uint16_t port, StreamServerOptions options) {
  if (options.limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
  EventLoop& loop = get_running_loop();
  const auto callback = std::make_shared<ClientConnectedCallback>(std::move(client_connected));
  const std::size_t limit = options.limit;
  auto connected = [callback](std::shared_ptr<StreamProtocol> protocol) {
    create_task(serve_client(callback, std::move(protocol)));
  };
  auto factory = [&loop, limit, connected] {
    return std::make_shared<StreamProtocol>(loop, limit, connected);
  };
  ServerOptions server_options;
  server_options.family = options.family;
  server_options.backlog = options.backlog;
  server_options.reuse_address = options.reuse_address;
  server_options.reuse_port = options.reuse_port;
  server_options.start_serving = options.start_serving;
  co_return co_await asyncio::create_server(std::move(factory), host, port, server_options);
}

}  // namespace asyncio::internal
