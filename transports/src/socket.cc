#include "asyncio/transports/socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/would_block.h"

namespace asyncio {
namespace {

std::optional<std::size_t> transferred(ssize_t result, std::string_view call) {
  if (result >= 0) return static_cast<std::size_t>(result);
  const int error = last_error();
  if (would_block(error)) return std::nullopt;
  throw_os_error(error, call);
}

template <class Getter>
SocketAddress address_from(Getter getter) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getter(reinterpret_cast<sockaddr*>(&storage), &size) != 0) return SocketAddress();
  return {reinterpret_cast<const sockaddr*>(&storage), size};
}

}  // namespace

Socket::Socket(FileDescriptor fd) : fd_(std::move(fd)) {
  const int flags = check(::fcntl(fileno(), F_GETFL), "fcntl");
  check(::fcntl(fileno(), F_SETFL, flags | O_NONBLOCK), "fcntl");
}

Socket Socket::open(int family, int type, int protocol) {
  Socket socket;
  socket.fd_.reset(
      check(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket"));
  return socket;
}

std::optional<std::size_t> Socket::recv(std::span<char> buffer) const {
  return transferred(::recv(fileno(), buffer.data(), buffer.size(), 0), "recv");
}

std::optional<std::size_t> Socket::send(std::string_view data) const {
  return transferred(::send(fileno(), data.data(), data.size(), MSG_NOSIGNAL), "send");
}

std::optional<std::size_t> Socket::recvfrom(std::span<char> buffer, SocketAddress& sender) const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const from = reinterpret_cast<sockaddr*>(&storage);
  const std::optional<std::size_t> received =
      transferred(::recvfrom(fileno(), buffer.data(), buffer.size(), 0, from, &size), "recvfrom");
  sender = received.has_value() && size != 0 ? SocketAddress(from, size) : SocketAddress();
  return received;
}

std::optional<std::size_t> Socket::sendto(std::string_view data,
                                          const SocketAddress& address) const {
  return transferred(
      ::sendto(fileno(), data.data(), data.size(), MSG_NOSIGNAL, address.data(), address.size()),
      "sendto");
}

std::optional<Socket> Socket::accept() const { return accept(nullptr, nullptr); }

std::optional<ConnectedSocket> Socket::accept_from() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  std::optional<Socket> socket = accept(address, &size);
  if (!socket.has_value()) return std::nullopt;
  return ConnectedSocket{*std::move(socket), SocketAddress(address, size)};
}

std::optional<Socket> Socket::accept(sockaddr* peer, socklen_t* size) const {
  const int fd = ::accept4(fileno(), peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = last_error();
    if (would_block(error)) return std::nullopt;
    throw_os_error(error, "accept");
  }
  Socket socket;
  socket.fd_.reset(fd);
  return socket;
}

void Socket::bind(const SocketAddress& address) const {
  if (::bind(fileno(), address.data(), address.size()) == 0) return;
  const int error = last_error();
  throw_os_error(error, absl::StrCat("bind('", address.to_string(), "')"));
}

void Socket::listen(int backlog) const { check(::listen(fileno(), backlog), "listen"); }

void Socket::shutdown_write() const { check(::shutdown(fileno(), SHUT_WR), "shutdown"); }

void Socket::set_option(int level, int name, int value) const {
  check(::setsockopt(fileno(), level, name, &value, sizeof value), "setsockopt");
}

int Socket::option(int level, int name) const {
  int value = 0;
  socklen_t size = sizeof value;
  check(::getsockopt(fileno(), level, name, &value, &size), "getsockopt");
  return value;
}

SocketAddress Socket::getsockname() const {
  return address_from([this](sockaddr* address, socklen_t* size) {
    return ::getsockname(fileno(), address, size);
  });
}

SocketAddress Socket::getpeername() const {
  return address_from([this](sockaddr* address, socklen_t* size) {
    return ::getpeername(fileno(), address, size);
  });
}

}  // namespace asyncio
