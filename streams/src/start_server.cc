#include "asyncio/streams/start_server.h"

#include <exception>
#include <memory>
#include <stdexcept>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/tasks/task.h"
#include "streams/src/stream_protocol.h"

namespace asyncio::internal {
namespace {

// The life of one client. Keeps the handler alive, for its coroutine may refer to a closure in it.
Coro<> serve_client(std::shared_ptr<ClientHandler> handler,
                    std::shared_ptr<StreamProtocol> protocol) {
  EventLoop& loop = get_running_loop();
  StreamReader reader(protocol);
  StreamWriter writer(protocol);
  try {
    co_await handler->serve(std::move(reader), std::move(writer));
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

Coro<Server> start_server(std::shared_ptr<ClientHandler> handler, std::string host,
                          std::uint16_t port, StreamServerOptions options,
                          std::source_location where) {
  if (options.limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
  EventLoop& loop = get_running_loop();
  const std::size_t limit = options.limit;
  auto connected = [handler, where](std::shared_ptr<StreamProtocol> protocol) {
    create_task(serve_client(handler, std::move(protocol)), where);
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
  co_return co_await asyncio::create_server(std::move(factory), host, port, server_options, where);
}

}  // namespace asyncio::internal
