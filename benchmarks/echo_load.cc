#include "benchmarks/echo_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <stdexcept>

#include "asyncio/selectors/os_error.h"

namespace benchmarks {

using asyncio::check;

EchoLoad::EchoLoad(int port, int connections, std::size_t message_size)
    : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      message_(message_size, 'x'),
      received_(std::max<std::size_t>(message_size, 64 * 1024)),
      events_(static_cast<std::size_t>(connections)) {
  connections_.reserve(static_cast<std::size_t>(connections));
  for (int i = 0; i < connections; ++i) connect(port);
}

EchoLoad::~EchoLoad() {
  for (const Connection& connection : connections_) ::close(connection.fd);
  ::close(epoll_);
}

void EchoLoad::connect(int port) {
  const int fd = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  Connection& connection = connections_.emplace_back(Connection{fd});
  const int on = 1;
  check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  watch(EPOLL_CTL_ADD, connection);
}

void EchoLoad::watch(int operation, Connection& connection) const {
  epoll_event event{};
  event.events = connection.unsent > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = &connection;
  check(::epoll_ctl(epoll_, operation, connection.fd, &event), "epoll_ctl");
}

void EchoLoad::start(Connection& connection) {
  connection.unsent = connection.unreceived = message_.size();
  send_some(connection);
  if (connection.unsent > 0) watch(EPOLL_CTL_MOD, connection);
}

void EchoLoad::send_some(Connection& connection) {
  const char* rest = message_.data() + message_.size() - connection.unsent;
  const ssize_t sent = ::send(connection.fd, rest, connection.unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) connection.unsent -= static_cast<std::size_t>(sent);
}

// Whether the message is complete.
bool EchoLoad::receive_some(Connection& connection) {
  const ssize_t received =
      ::recv(connection.fd, received_.data(), connection.unreceived, MSG_DONTWAIT);
  if (received == 0) throw std::runtime_error("the echo server has hung up");
  if (received > 0) connection.unreceived -= static_cast<std::size_t>(received);
  return connection.unreceived == 0;
}

// Starts the next message of a connection only while `go_on(messages come back so far)`.
template <class Continue>
std::int64_t EchoLoad::run_while(Continue go_on) {
  std::int64_t done = 0;
  std::size_t under_way = connections_.size();
  for (Connection& connection : connections_) start(connection);
  while (under_way > 0) {
    const int ready = check(
        ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1), "epoll_wait");
    const bool more = go_on(done);
    for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
      Connection& connection = *static_cast<Connection*>(event.data.ptr);
      if (event.events & EPOLLOUT) {
        send_some(connection);
        if (connection.unsent == 0) watch(EPOLL_CTL_MOD, connection);
      }
      if ((event.events & ~EPOLLOUT) == 0 || !receive_some(connection)) continue;
      ++done;
      more ? start(connection) : static_cast<void>(--under_way);
    }
  }
  return done;
}

std::int64_t EchoLoad::run_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  return run_while([end](std::int64_t) { return std::chrono::steady_clock::now() < end; });
}

std::int64_t EchoLoad::run_messages(std::int64_t count) {
  const auto last = count - static_cast<std::int64_t>(connections_.size());
  return run_while([last](std::int64_t done) { return done < last; });
}

}  // namespace benchmarks
