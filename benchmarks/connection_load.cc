#include "benchmarks/connection_load.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <span>
#include <stdexcept>
#include <utility>

#include "asyncio/selectors/os_error.h"

namespace benchmarks {
namespace {

using asyncio::check;

constexpr std::uint32_t kSources = 200;  // 127.0.0.1 and so on

sockaddr_in loopback(std::uint32_t host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

ConnectionLoad::ConnectionLoad(int port, int clients, std::size_t message_size)
    : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      port_(port),
      message_(message_size, 'x'),
      received_(message_size, ' '),
      clients_(static_cast<std::size_t>(clients)),
      events_(clients_.size()) {}

ConnectionLoad::~ConnectionLoad() {
  for (const Client& client : clients_) {
    if (client.fd >= 0) ::close(client.fd);
  }
  ::close(epoll_);
}

sockaddr_in ConnectionLoad::next_source() {
  source_ = (source_ + 1) % kSources;
  return loopback(source_, 0);
}

// The kernel connects over loopback without the server's help, so that nothing waits here.
void ConnectionLoad::connect(Client& client) {
  const int fd = client.fd = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  check(::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), "setsockopt");
  const sockaddr_in source = next_source();
  check(::bind(fd, generic(source), sizeof source), "bind");
  const sockaddr_in server = loopback(0, port_);
  check(::connect(fd, generic(server), sizeof server), "connect");
  check(::send(fd, message_.data(), message_.size(), MSG_NOSIGNAL), "send");
  client.unreceived = message_.size();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &client;
  check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

// Whether the message is complete.
bool ConnectionLoad::receive_some(Client& client) {
  const ssize_t received = check(::recv(client.fd, received_.data(), client.unreceived, 0), "recv");
  if (received == 0) throw std::runtime_error("the echo server has hung up");
  client.unreceived -= static_cast<std::size_t>(received);
  return client.unreceived == 0;
}

// Starts the next connection of a client only while `go_on(connections made so far)`.
template <class Continue>
std::int64_t ConnectionLoad::run_while(Continue go_on) {
  std::int64_t done = 0;
  std::size_t under_way = clients_.size();
  for (Client& client : clients_) connect(client);
  while (under_way > 0) {
    const int ready = check(
        ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1), "epoll_wait");
    const bool more = go_on(done);
    for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
      Client& client = *static_cast<Client*>(event.data.ptr);
      if (!receive_some(client)) continue;
      ++done;
      ::close(std::exchange(client.fd, -1));
      more ? connect(client) : static_cast<void>(--under_way);
    }
  }
  return done;
}

std::int64_t ConnectionLoad::run_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  return run_while([end](std::int64_t) { return std::chrono::steady_clock::now() < end; });
}

std::int64_t ConnectionLoad::run_connections(std::int64_t count) {
  const auto last = count - static_cast<std::int64_t>(clients_.size());
  return run_while([last](std::int64_t done) { return done < last; });
}

}  // namespace benchmarks
