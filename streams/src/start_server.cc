#include "asyncio/streams/start_server.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "asyncio/events/running_loop.h"
#include "streams/src/served_stream.h"

namespace asyncio::internal {
ProtocolFactory stream_factory(std::shared_ptr<ClientHandler> handler, std::size_t limit) {
  if (limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
  return [limit, handler = std::move(handler)] {
    return std::make_shared<ServedStream>(get_running_loop(), limit, handler);
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
