// The stream of a client of a server.
#ifndef ASYNCIO_STREAMS_SERVED_STREAM_H_
#define ASYNCIO_STREAMS_SERVED_STREAM_H_

#include <cstddef>
#include <memory>

#include "asyncio/events/event_loop.h"
#include "asyncio/streams/client_handler.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/transport.h"
#include "streams/src/stream_protocol.h"

namespace asyncio::internal {

// Once connected, starts a task that serves the client, and lives as long as that: the handler's
// coroutine may refer to a closure in the handler. Reports what the handler throws, a turn later,
// and closes the connection of one that did not end by itself.
class ServedStream final : public StreamProtocol {
 public:
  // Errors as StreamProtocol.
  ServedStream(EventLoop& loop, std::size_t limit, std::shared_ptr<ClientHandler> handler);

  void connection_made(Transport& transport) override;

 private:
  void served(const Task<>& task);

  const std::shared_ptr<ClientHandler> handler_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_STREAMS_SERVED_STREAM_H_
