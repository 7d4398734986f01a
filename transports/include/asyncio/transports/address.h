// The address of an end of a connection.
#ifndef ASYNCIO_TRANSPORTS_ADDRESS_H_
#define ASYNCIO_TRANSPORTS_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace asyncio {

// A value; an address of any family the system knows. Python has a tuple here.
class SocketAddress {
 public:
  // No address: AF_UNSPEC.
  SocketAddress() = default;

  // Copies `size` bytes; throws std::invalid_argument if they are no address.
  SocketAddress(const sockaddr* address, socklen_t size);

  // From an IPv4 or IPv6 address in figures, without a resolver. Throws std::invalid_argument for
  // anything else.
  static SocketAddress from_numeric(std::string_view host, std::uint16_t port);

  int family() const noexcept { return storage_.ss_family; }

  // The host in figures, with the scope of a link-local IPv6 address; empty for other families.
  std::string host() const;

  // The port; 0 for other families.
  std::uint16_t port() const noexcept;

  // "127.0.0.1:8888", "[::1]:8888".
  std::string to_string() const;

  // For system calls.
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_ADDRESS_H_
