// Datagrams received by one system call.
#ifndef ASYNCIO_TRANSPORTS_DATAGRAM_BATCH_H_
#define ASYNCIO_TRANSPORTS_DATAGRAM_BATCH_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "asyncio/events/event_loop.h"
#include "asyncio/transports/address.h"

namespace asyncio {

// One a loop. It has room for the largest datagrams, so that none is cut short: 16 of UDP, or 4 of
// a Unix socket, which may be larger. Memory that no datagram has reached is not touched.
class DatagramBatch {
 public:
  explicit DatagramBatch(EventLoop&);

  static DatagramBatch& of(EventLoop& loop);

  // How many have arrived; -1 and errno if none. What an earlier call has received is gone.
  int receive(int fd, int family);

  // REQUIRES: index < what receive() has returned.
  std::string_view data(int index) const;
  SocketAddress sender(int index) const;

 private:
  static constexpr std::size_t kSize = 1024 * 1024;
  static constexpr std::size_t kLargestOfUdp = 64 * 1024;
  static constexpr std::size_t kLargestOfUnix = 256 * 1024;
  static constexpr std::size_t kMost = kSize / kLargestOfUdp;

  std::unique_ptr<char[]> bytes_;
  std::array<mmsghdr, kMost> headers_{};
  std::array<iovec, kMost> pieces_{};
  std::array<sockaddr_storage, kMost> senders_{};
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_DATAGRAM_BATCH_H_
