// The other end of a connection, played by plain system calls.
#ifndef TRANSPORTS_TEST_PEER_H_
#define TRANSPORTS_TEST_PEER_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

inline bool is_readable(int fd) {
  pollfd question{.fd = fd, .events = POLLIN, .revents = 0};
  return check(::poll(&question, 1, 0), "poll") == 1;
}

// Blocks until `fd` is readable, ten seconds at most: where the machine is busy, the kernel
// delivers what was sent after the call that sent it has returned.
inline void block_until_readable(int fd) {
  pollfd question{.fd = fd, .events = POLLIN, .revents = 0};
  check(::poll(&question, 1, 10'000), "poll");
}

// Returns when `fd` is readable.
inline Coro<> readable(int fd) {
  EventLoop& loop = get_running_loop();
  Waiter ready;
  loop.add_reader(fd, [&ready] { ready.wake(); });
  absl::Cleanup stop = [&loop, fd] { loop.remove_reader(fd); };
  co_await ready;
}

// Repeats no byte soon, so that what is lost, doubled or swapped shows.
inline std::string noise(std::size_t size, std::uint32_t seed = 1) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return bytes;
}

// A blocking socket.
class Peer {
 public:
  explicit Peer(FileDescriptor fd) : fd_(std::move(fd)) {}

  static Peer connect(const SocketAddress& address) {
    Peer peer(
        FileDescriptor(check(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")));
    check(::connect(peer.fileno(), address.data(), address.size()), "connect");
    return peer;
  }

  int fileno() const { return fd_.get(); }

  void send(std::string_view data) const {
    while (!data.empty()) {
      data.remove_prefix(static_cast<std::size_t>(
          check(::send(fileno(), data.data(), data.size(), MSG_NOSIGNAL), "send")));
    }
  }

  // What is there without a turn of the loop, at most `most`; empty at the end of the stream.
  // REQUIRES: something has been sent.
  std::string recv_now(std::size_t most = 65536) const {
    block_until_readable(fileno());
    std::string data(most, '\0');
    data.resize(
        static_cast<std::size_t>(check(::recv(fileno(), data.data(), most, MSG_DONTWAIT), "recv")));
    return data;
  }

  Coro<std::string> recv(std::size_t most = 65536) const {
    co_await readable(fileno());
    co_return recv_now(most);
  }

  // Up to the end of the stream, or to `size` bytes.
  Coro<std::string> recv_all(std::size_t size = std::string::npos) const {
    std::string all;
    while (all.size() < size) {
      const std::string some = co_await recv(size - all.size() < 65536 ? size - all.size() : 65536);
      if (some.empty()) break;
      all += some;
    }
    co_return all;
  }

  void shutdown_write() const { check(::shutdown(fileno(), SHUT_WR), "shutdown"); }
  void close() { fd_.close(); }

  // The socket itself; this plays no longer.
  FileDescriptor release() { return std::move(fd_); }

  // Closes in a way that the other end sees as a failure.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    check(::setsockopt(fileno(), SOL_SOCKET, SO_LINGER, &now, sizeof now), "setsockopt");
    close();
  }

 private:
  FileDescriptor fd_;
};

// Listens on a free port. A connection stands before it is accepted.
class Listener {
 public:
  // `receive_buffer`: SO_RCVBUF of what is accepted; 0: the system's own.
  explicit Listener(std::string_view host = "127.0.0.1", int receive_buffer = 0)
      : Listener(SocketAddress::from_numeric(host, 0), receive_buffer) {}

  SocketAddress address() const { return socket_.getsockname(); }
  std::uint16_t port() const { return address().port(); }
  int fileno() const { return socket_.fileno(); }

  // Without a turn of the loop. REQUIRES: somebody has connected.
  Peer accept_now() const {
    block_until_readable(fileno());
    return Peer(FileDescriptor(
        check(::accept4(socket_.fileno(), nullptr, nullptr, SOCK_CLOEXEC), "accept")));
  }

  Coro<Peer> accept() const {
    co_await readable(socket_.fileno());
    co_return accept_now();
  }

 private:
  Listener(const SocketAddress& address, int receive_buffer)
      : socket_(Socket::open(address.family(), SOCK_STREAM)) {
    if (receive_buffer != 0) socket_.set_option(SOL_SOCKET, SO_RCVBUF, receive_buffer);
    socket_.bind(address);
    socket_.listen(256);
  }

  Socket socket_;
};

// A port on which nobody listens.
inline std::uint16_t unused_port(std::string_view host = "127.0.0.1") {
  return Listener(host).port();
}

struct EndsOptions {
  int send_buffer = 0;          // SO_SNDBUF of our end
  int peer_receive_buffer = 0;  // SO_RCVBUF of the peer's
};

// Kernel buffers so small that writing soon has to wait.
inline constexpr EndsOptions kNarrow{.send_buffer = 1, .peer_receive_buffer = 1};

struct Ends {
  Socket ours;
  Peer peer;
};

// The two ends of a TCP connection.
inline Ends connected_ends(EndsOptions options = EndsOptions()) {
  const Listener listener("127.0.0.1", options.peer_receive_buffer);
  FileDescriptor ours(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (options.send_buffer != 0) {
    check(::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof(int)),
          "setsockopt");
  }
  const SocketAddress address = listener.address();
  check(::connect(ours.get(), address.data(), address.size()), "connect");
  Peer peer = listener.accept_now();
  return {Socket(std::move(ours)), std::move(peer)};
}

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_PEER_H_
