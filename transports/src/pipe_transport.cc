#include "asyncio/transports/pipe_transport.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <stdexcept>

#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/read_pipe_transport.h"
#include "transports/src/until_made.h"
#include "transports/src/write_pipe_transport.h"

namespace asyncio::internal {
namespace {

void make_non_blocking(int fd) {
  const int flags = check(::fcntl(fd, F_GETFL), "fcntl");
  check(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl");
}

}  // namespace

void check_pipe(int fd, PipeDirection direction) {
  struct stat status{};
  check(::fstat(fd, &status), "fstat");
  const mode_t mode = status.st_mode;
  if (S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode)) return;
  throw std::invalid_argument(
      direction == PipeDirection::kRead
          ? "Pipe transport is for pipes/sockets only."
          : "Pipe transport is only for pipes, sockets and character devices");
}

Coro<std::shared_ptr<Transport>> start_pipe(FileDescriptor pipe,
                                            std::shared_ptr<BufferedProtocol> protocol,
                                            PipeDirection direction, std::source_location where) {
  EventLoop& loop = get_running_loop();
  make_non_blocking(pipe.get());
  std::shared_ptr<Transport> transport;
  if (direction == PipeDirection::kRead) {
    transport = ReadPipeTransport::start(loop, std::move(pipe), std::move(protocol), where);
  } else {
    transport = WritePipeTransport::start(loop, std::move(pipe), std::move(protocol), where);
  }
  co_await until_made(transport);
  co_return std::move(transport);
}

}  // namespace asyncio::internal
