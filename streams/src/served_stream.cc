#include "streams/src/served_stream.h"

#include <exception>
#include <memory>
#include <source_location>
#include <utility>

#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"

namespace asyncio::internal {
namespace {

// The handler may be a lambda that captures: who calls this keeps it.
Task<> start(EventLoop& loop, Coro<> serving, std::source_location where) {
  return start_task_in_place(loop, serving, where);
}

}  // namespace

ServedStream::ServedStream(EventLoop& loop, std::size_t limit,
                           std::shared_ptr<ClientHandler> handler)
    : StreamProtocol(loop, limit), handler_(std::move(handler)) {}

void ServedStream::connection_made(Transport& transport) {
  StreamProtocol::connection_made(transport);
  const auto self = std::static_pointer_cast<ServedStream>(shared_from_this());
  const Task<> task =
      start(loop(), handler_->serve(StreamReader(self), StreamWriter(self)), handler_->where());
  task.add_done_callback([self](const Task<>& ended) { self->served(ended); }, handler_->where());
}

void ServedStream::served(const Task<>& task) {
  if (!task.cancelled()) {
    std::exception_ptr error = task.exception();
    if (error == nullptr) return;
    loop().call_exception_handler(
        {.message = "Unhandled exception in client_connected_cb", .exception = std::move(error)});
  }
  if (transport() != nullptr) transport()->close();
}

}  // namespace asyncio::internal
