#include "transports/src/ready_to.h"

#include <fcntl.h>

#include <stdexcept>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/transport_life.h"

namespace asyncio {

void ReadyTo::watch() {
  EventLoop& loop = get_running_loop();
  registered_ = true;
  if (event_ == kEventRead) {
    loop.add_reader(fd_, Registration(*this));
  } else {
    loop.add_writer(fd_, Registration(*this));
  }
}

ReadyTo::~ReadyTo() {
  if (!registered_) return;
  if (event_ == kEventRead) {
    loop().remove_reader(fd_);
  } else {
    loop().remove_writer(fd_);
  }
}

ReadyTo ready_to_read(const Socket& socket) {
  check_no_transport(get_running_loop(), socket.fileno());
  return ReadyTo(socket.fileno(), kEventRead);
}

ReadyTo ready_to_write(const Socket& socket) {
  check_no_transport(get_running_loop(), socket.fileno());
  return ReadyTo(socket.fileno(), kEventWrite);
}

void check_non_blocking(const Socket& socket) {
  if (!get_running_loop().get_debug()) return;
  if ((check(::fcntl(socket.fileno(), F_GETFL), "fcntl") & O_NONBLOCK) != 0) return;
  throw std::invalid_argument("the socket must be non-blocking");
}

}  // namespace asyncio
