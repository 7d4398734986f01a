// Pipes: one end of a FIFO, of a socket or of a character device such as a terminal, as a transport
// of one direction.
#ifndef ASYNCIO_TRANSPORTS_PIPE_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_PIPE_TRANSPORT_H_

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// A transport and the protocol it talks to.
template <class P>
using Pipe = std::pair<std::shared_ptr<Transport>, std::shared_ptr<P>>;

namespace internal {

enum class PipeDirection { kRead, kWrite };

// Throws std::invalid_argument unless `fd` is of a kind that can be waited for.
void check_pipe(int fd, PipeDirection direction);

// Starts a transport and waits until connection_made() has run.
Coro<std::shared_ptr<Transport>> start_pipe(FileDescriptor pipe,
                                            std::shared_ptr<BufferedProtocol> protocol,
                                            PipeDirection direction, std::source_location where);

template <class P, class Factory>
Coro<Pipe<P>> connect_pipe(Factory factory, FileDescriptor pipe, PipeDirection direction,
                           std::source_location where) {
  std::shared_ptr<P> protocol = factory();
  std::shared_ptr<Transport> transport =
      co_await start_pipe(std::move(pipe), protocol, direction, where);
  co_return Pipe<P>(std::move(transport), std::move(protocol));
}

template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto connect_pipe(Factory factory, FileDescriptor& pipe,
                                                PipeDirection direction,
                                                std::source_location where) {
  using P = typename std::invoke_result_t<Factory&>::element_type;
  check_pipe(pipe.get(), direction);
  return connect_pipe<P, Factory>(std::move(factory), std::move(pipe), direction, where);
}

}  // namespace internal

// Reads from `pipe`, and joins it to what `factory()` returns: a std::shared_ptr or std::unique_ptr
// to a BufferedProtocol or Protocol. The pipe becomes the transport's and non-blocking. At its end
// come eof_received(), whose answer does not matter, and connection_lost(null). An error is
// reported and passed to connection_lost(), but for EIO, by which a terminal says that the other
// side has hung up: that is not reported. The transport's write() and friends throw
// NotImplementedError. Resumes after connection_made() has run. Throws std::invalid_argument for
// anything but a FIFO, socket or character device: then, and only then, `pipe` stays the caller's.
// On cancellation it is closed.
//
// Python counterpart: loop.connect_read_pipe().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto connect_read_pipe(
    Factory factory, FileDescriptor&& pipe,
    std::source_location where = std::source_location::current()) {
  return internal::connect_pipe(std::move(factory), pipe, internal::PipeDirection::kRead, where);
}

// The same for writing to `pipe`; data are never received. That the reader has gone is noticed at
// once, except of a character device: connection_lost(null), or BrokenPipeError if something is
// still unsent. write_eof() is close(): it sends what is buffered first. What is written after it
// is dropped.
//
// The first pipe that is written makes the process ignore SIGPIPE, unless it has a handler already:
// without that a reader that goes would end the process.
//
// Python counterpart: loop.connect_write_pipe().
template <class Factory>
ASYNCIO_INTERNAL_CORO_WRAPPER auto connect_write_pipe(
    Factory factory, FileDescriptor&& pipe,
    std::source_location where = std::source_location::current()) {
  return internal::connect_pipe(std::move(factory), pipe, internal::PipeDirection::kWrite, where);
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_PIPE_TRANSPORT_H_
