#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/selectors/os_error.h"
#include "benchmarks/echo_servers.h"

namespace benchmarks {
namespace {

using asyncio::check;

constexpr int kBacklog = 1024;

int listen_somewhere() {
  const int listener =
      check(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  check(::listen(listener, kBacklog), "listen");
  return listener;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

class RawServer {
 public:
  RawServer() {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);
    announce(port_of(listener_));
  }

  void run() {
    while (true) {
      const int ready = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
      for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
        const int fd = event.data.fd;
        if (fd == STDIN_FILENO) return;
        if (fd == listener_) {
          accept_all();
        } else if (event.events & EPOLLOUT) {
          send_rest(fd);
        } else {
          echo(fd);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, unsigned events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    check(::epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
      if (rests_.size() <= static_cast<std::size_t>(fd)) {
        rests_.resize(static_cast<std::size_t>(fd) + 1);
      }
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void echo(int fd) {
    const ssize_t received = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received <= 0) return drop(fd);
    const std::string_view data(buffer_.data(), static_cast<std::size_t>(received));
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent == received) return;
    rest(fd) = data.substr(sent > 0 ? static_cast<std::size_t>(sent) : 0);
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }

  // Nothing more is received before everything has been sent.
  void send_rest(int fd) {
    std::string& data = rest(fd);
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0) return drop(fd);
    data.erase(0, static_cast<std::size_t>(sent));
    if (data.empty()) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  void drop(int fd) {
    rest(fd).clear();
    ::close(fd);
  }

  std::string& rest(int fd) { return rests_[static_cast<std::size_t>(fd)]; }

  const int epoll_ = check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  const int listener_ = listen_somewhere();
  std::array<epoll_event, 1024> events_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::vector<std::string> rests_;  // by descriptor: what the kernel did not take
};

}  // namespace

void serve_raw() { RawServer().run(); }

}  // namespace benchmarks
