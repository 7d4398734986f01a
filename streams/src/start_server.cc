#include "asyncio/streams/start_server.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/tasks/task.h"
#include "streams/src/stream_protocol.h"

namespace asyncio::internal {
namespace {

// No coroutine, so that neither reader nor writer has a second place in the caller's frame.
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<> call(ClientHandler& handler,
                                          const std::shared_ptr<StreamProtocol>& protocol) {
  return handler.serve(StreamReader(protocol), StreamWriter(protocol));
}

// The life of one client. Keeps the handler alive, for its coroutine may refer to a closure in it.
Coro<> serve_client(std::shared_ptr<ClientHandler> handler,
                    std::shared_ptr<StreamProtocol> protocol) {
  try {
    co_await call(*handler, protocol);
    co_return;
  } catch (const CancelledError&) {
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    protocol->loop().call_exception_handler(
        {.message = "Unhandled exception in client_connected_cb",
         .exception = std::current_exception()});
  }
  if (Transport* transport = protocol->transport()) transport->close();
}

}  // namespace

ProtocolFactory stream_factory(std::shared_ptr<ClientHandler> handler, std::size_t limit,
                               std::source_location where) {
  if (limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
  auto connected = [handler = std::move(handler), where](std::shared_ptr<StreamProtocol> protocol) {
    create_task(serve_client(handler, std::move(protocol)), where);
  };
  return [limit, connected = std::move(connected)] {
    return std::make_shared<StreamProtocol>(get_running_loop(), limit, connected);
  };
}

ServerOptions server_options(const StreamServerOptions& options) {
  return {.family = options.family,
          .flags = options.flags,
          .backlog = options.backlog,
          .reuse_address = options.reuse_address,
          .reuse_port = options.reuse_port,
          .keep_alive = options.keep_alive,
          .start_serving = options.start_serving,
          .limits = options.limits};
}

UnixServerOptions server_options(const StreamUnixServerOptions& options) {
  return {.backlog = options.backlog,
          .start_serving = options.start_serving,
          .cleanup_socket = options.cleanup_socket,
          .mode = options.mode,
          .limits = options.limits};
}

}  // namespace asyncio::internal
