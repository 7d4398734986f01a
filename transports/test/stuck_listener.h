// An address at which connecting neither succeeds nor fails for the time being.
#ifndef TRANSPORTS_TEST_STUCK_LISTENER_H_
#define TRANSPORTS_TEST_STUCK_LISTENER_H_

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// A listener whose queue is full: the kernel drops what comes, and the client's kernel tries again
// after a second.
class StuckListener {
 public:
  explicit StuckListener(std::string_view host = "127.0.0.1")
      : socket_(Socket::open(SocketAddress::from_numeric(host, 0).family(), SOCK_STREAM)) {
    socket_.bind(SocketAddress::from_numeric(host, 0));
    socket_.listen(0);
    const SocketAddress address = this->address();
    do {
      Socket client = Socket::open(address.family(), SOCK_STREAM);
      static_cast<void>(::connect(client.fileno(), address.data(), address.size()));
      waiting_.push_back(std::move(client));
    } while (is_connected(waiting_.back()));
  }

  SocketAddress address() const { return socket_.getsockname(); }
  std::uint16_t port() const { return address().port(); }

  // Makes room: whoever tries again is connected.
  void let_in() {
    waiting_.clear();
    socket_.listen(16);
    while (socket_.accept().has_value()) {
    }
  }

 private:
  static bool is_connected(const Socket& client) {
    constexpr int kPatience = 50;  // milliseconds; on one machine connecting takes none
    pollfd question{.fd = client.fileno(), .events = POLLOUT, .revents = 0};
    return check(::poll(&question, 1, kPatience), "poll") == 1;
  }

  Socket socket_;
  std::vector<Socket> waiting_;
};

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_STUCK_LISTENER_H_
