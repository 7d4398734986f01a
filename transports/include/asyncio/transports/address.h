// The address of an end of a connection.
#ifndef ASYNCIO_TRANSPORTS_ADDRESS_H_
#define ASYNCIO_TRANSPORTS_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace asyncio {

// A value; an address of any family the system knows. One of IPv4 or IPv6 takes no memory but its
// own. Python has a tuple here, or a path.
class SocketAddress {
 public:
  // No address: AF_UNSPEC.
  SocketAddress() = default;

  // Copies `size` bytes; throws std::invalid_argument if they are no address.
  SocketAddress(const sockaddr* address, socklen_t size);

  // From an IPv4 or IPv6 address in figures, without a resolver. Throws std::invalid_argument for
  // anything else.
  static SocketAddress from_numeric(std::string_view host, std::uint16_t port);

  // Of a Unix socket. A path that begins with NUL is an abstract name: of all its bytes, and of no
  // file. Throws std::invalid_argument if it is longer than the system allows (108 bytes on Linux,
  // with the NUL that ends a path of the file system), or has a NUL elsewhere.
  static SocketAddress from_path(std::string_view path);

  int family() const noexcept { return bytes_.empty() ? AF_UNSPEC : data()->sa_family; }

  // The host in figures, with the scope of a link-local IPv6 address; empty for other families.
  std::string host() const;

  // The port; 0 for other families.
  std::uint16_t port() const noexcept;

  // The path or abstract name of a Unix socket, as for from_path(); empty for one without a name
  // and for other families.
  std::string path() const;

  // "127.0.0.1:8888", "[::1]:8888", "/run/service", "@abstract".
  std::string to_string() const;

  // For system calls.
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(bytes_.data()); }
  socklen_t size() const noexcept { return static_cast<socklen_t>(bytes_.size()); }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    return a.bytes_ == b.bytes_;
  }

  template <class H>
  friend H AbslHashValue(H state, const SocketAddress& address) {
    return H::combine(std::move(state), address.bytes_);
  }

 private:
  absl::InlinedVector<char, sizeof(sockaddr_in6)> bytes_;  // of the system's own struct
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_ADDRESS_H_
