#include "asyncio/transports/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace asyncio {
namespace {

constexpr socklen_t kLargest = sizeof(sockaddr_storage);
constexpr std::size_t kUnixPath = offsetof(sockaddr_un, sun_path);

const sockaddr_in& as_v4(const SocketAddress& address) {
  return *reinterpret_cast<const sockaddr_in*>(address.data());
}
const sockaddr_in6& as_v6(const SocketAddress& address) {
  return *reinterpret_cast<const sockaddr_in6*>(address.data());
}

// How many bytes an address of this family has at least.
std::size_t smallest(int family) {
  if (family == AF_INET) return sizeof(sockaddr_in);
  if (family == AF_INET6) return sizeof(sockaddr_in6);
  return sizeof(sa_family_t);
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) {
  if (size < sizeof(sa_family_t) || size > kLargest || size < smallest(address->sa_family)) {
    throw std::invalid_argument("not a socket address");
  }
  const char* bytes = reinterpret_cast<const char*>(address);
  bytes_.assign(bytes, bytes + size);
}

SocketAddress SocketAddress::from_numeric(std::string_view host, std::uint16_t port) {
  const std::string text(host);
  const bool whole =
      host.find('\0') == host.npos;  // or inet_pton would see less than we were given
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (whole && ::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (whole && ::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
  }
  throw std::invalid_argument(absl::StrCat("'", host, "' is no numeric address"));
}

std::string SocketAddress::host() const {
  if (family() != AF_INET && family() != AF_INET6) return "";
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(data(), size(), host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "";
  }
  return host.data();
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(as_v4(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as_v6(*this).sin6_port);
  return 0;
}

SocketAddress SocketAddress::from_path(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = path.starts_with('\0');
  if (path.size() + (abstract ? 0 : 1) > sizeof address.sun_path) {
    throw std::invalid_argument("AF_UNIX path too long");
  }
  if (path.find('\0', 1) != path.npos && !abstract) {
    throw std::invalid_argument("embedded null byte in a path");
  }
  path.copy(address.sun_path, path.size());
  const std::size_t size = kUnixPath + path.size() + (abstract ? 0 : 1);
  return {reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)};
}

// The system may or may not count the NUL at the end of a path.
std::string SocketAddress::path() const {
  if (family() != AF_UNIX || bytes_.size() <= kUnixPath) return "";
  std::string path(bytes_.begin() + kUnixPath, bytes_.end());
  if (!path.starts_with('\0')) path.resize(std::strlen(path.c_str()));
  return path;
}

std::string SocketAddress::to_string() const {
  if (family() == AF_UNIX) {
    std::string name = path();
    if (name.starts_with('\0')) name[0] = '@';
    return name;
  }
  if (family() == AF_INET6) return absl::StrCat("[", host(), "]:", port());
  return absl::StrCat(host(), ":", port());
}

}  // namespace asyncio
