#include "asyncio/transports/transport_socket.h"

#include <fcntl.h>

#include <stdexcept>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

int TransportSocket::fileno() const noexcept {
  const std::shared_ptr<const Socket> socket = socket_.lock();
  return socket == nullptr ? -1 : socket->fileno();
}

SocketAddress TransportSocket::getsockname() const {
  const std::shared_ptr<const Socket> socket = socket_.lock();
  return socket == nullptr ? SocketAddress() : socket->getsockname();
}

SocketAddress TransportSocket::getpeername() const {
  const std::shared_ptr<const Socket> socket = socket_.lock();
  return socket == nullptr ? SocketAddress() : socket->getpeername();
}

int TransportSocket::getsockopt(int level, int name) const {
  int value = 0;
  socklen_t size = sizeof value;
  check(::getsockopt(fileno(), level, name, &value, &size), "getsockopt");
  return value;
}

void TransportSocket::setsockopt(int level, int name, int value) const {
  setsockopt(level, name, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
}

void TransportSocket::setsockopt(int level, int name, std::string_view value) const {
  check(::setsockopt(fileno(), level, name, value.data(), static_cast<socklen_t>(value.size())),
        "setsockopt");
}

void TransportSocket::shutdown(int how) const { check(::shutdown(fileno(), how), "shutdown"); }

FileDescriptor TransportSocket::dup() const {
  return FileDescriptor(check(::fcntl(fileno(), F_DUPFD_CLOEXEC, 0), "fcntl"));
}

bool TransportSocket::get_inheritable() const {
  return (check(::fcntl(fileno(), F_GETFD), "fcntl") & FD_CLOEXEC) == 0;
}

void TransportSocket::settimeout(std::chrono::nanoseconds timeout) const {
  if (timeout.count() != 0) {
    throw std::invalid_argument("settimeout(): only 0 timeout is allowed on transport sockets");
  }
}

void TransportSocket::setblocking(bool blocking) const {
  if (blocking) throw std::invalid_argument("setblocking(): transport sockets cannot be blocking");
}

}  // namespace asyncio
