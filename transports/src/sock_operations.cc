#include "asyncio/transports/sock_operations.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/ready_to.h"
#include "transports/src/receive_buffer.h"

namespace asyncio {
namespace {

// The loop's one buffer: what is in it is copied before anything else runs.
std::span<char> buffer_for(std::size_t size) {
  const std::span<char> buffer = receive_buffer(get_running_loop());
  return buffer.first(std::min(size, buffer.size()));
}

}  // namespace

Coro<std::string> sock_recv(Socket& socket, std::size_t size) {
  check_non_blocking(socket);
  const std::span<char> buffer = buffer_for(size);
  while (true) {
    const std::optional<std::size_t> received = socket.recv(buffer);
    if (received.has_value()) co_return std::string(buffer.data(), *received);
    co_await ready_to_read(socket);
  }
}

Coro<std::size_t> sock_recv_into(Socket& socket, std::span<char> buffer) {
  check_non_blocking(socket);
  while (true) {
    const std::optional<std::size_t> received = socket.recv(buffer);
    if (received.has_value()) co_return *received;
    co_await ready_to_read(socket);
  }
}

Coro<std::pair<std::string, SocketAddress>> sock_recvfrom(Socket& socket, std::size_t size) {
  check_non_blocking(socket);
  const std::span<char> buffer = buffer_for(size);
  SocketAddress sender;
  while (true) {
    const std::optional<std::size_t> received = socket.recvfrom(buffer, sender);
    if (received.has_value()) co_return {std::string(buffer.data(), *received), std::move(sender)};
    co_await ready_to_read(socket);
  }
}

Coro<std::pair<std::size_t, SocketAddress>> sock_recvfrom_into(Socket& socket,
                                                               std::span<char> buffer,
                                                               std::size_t size) {
  check_non_blocking(socket);
  if (size > buffer.size()) {
    throw std::invalid_argument("nbytes is greater than the length of the buffer");
  }
  if (size != 0) buffer = buffer.first(size);
  SocketAddress sender;
  while (true) {
    const std::optional<std::size_t> received = socket.recvfrom(buffer, sender);
    if (received.has_value()) co_return {*received, std::move(sender)};
    co_await ready_to_read(socket);
  }
}

Coro<> sock_sendall(Socket& socket, std::string_view data) {
  check_non_blocking(socket);
  while (!data.empty()) {
    const std::optional<std::size_t> sent = socket.send(data);
    if (sent.has_value()) {
      data.remove_prefix(*sent);
    } else {
      co_await ready_to_write(socket);
    }
  }
}

Coro<std::size_t> sock_sendto(Socket& socket, std::string_view data, SocketAddress address) {
  check_non_blocking(socket);
  while (true) {
    const std::optional<std::size_t> sent = socket.sendto(data, address);
    if (sent.has_value()) co_return *sent;
    co_await ready_to_write(socket);
  }
}

// An interrupted connect goes on in the background, like one in progress, and one that was
// cancelled and is made again finds itself already on its way.
Coro<> sock_connect(Socket& socket, SocketAddress address) {
  check_non_blocking(socket);
  if (::connect(socket.fileno(), address.data(), address.size()) == 0) co_return;
  int error = last_error();
  if (error == EINPROGRESS || error == EALREADY || error == EINTR) {
    co_await ready_to_write(socket);
    error = socket.option(SOL_SOCKET, SO_ERROR);
  }
  if (error != 0) throw_os_error(error, absl::StrCat("connect to ", address.to_string()));
}

Coro<ConnectedSocket> sock_accept(Socket& socket) {
  check_non_blocking(socket);
  while (true) {
    std::optional<ConnectedSocket> accepted = socket.accept_from();
    if (accepted.has_value()) co_return *std::move(accepted);
    co_await ready_to_read(socket);
  }
}

}  // namespace asyncio
