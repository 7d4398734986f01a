#include "transports/src/admission.h"

#include <netinet/in.h>

#include <chrono>
#include <cstring>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/logger.h"

namespace asyncio::internal {
namespace {

constexpr auto kTimeBetweenWarnings = std::chrono::minutes(1);

std::size_t or_any_number(std::size_t limit) {
  return limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
}

std::uint64_t v4(const void* bytes) {
  std::uint32_t address = 0;
  std::memcpy(&address, bytes, sizeof address);
  return address;
}

}  // namespace

Admission::Admission(EventLoop& loop, const ServerLimits& limits) noexcept
    : loop_(loop),
      most_(or_any_number(limits.connections)),
      most_of_a_peer_(or_any_number(limits.connections_per_peer)) {}

// An IPv4 client of a socket of both families is one of IPv4.
std::optional<Admission::Peer> Admission::peer_of(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return Peer(AF_INET, v4(&reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr));
  }
  if (address.family() != AF_INET6) return std::nullopt;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return Peer(AF_INET, v4(&v6.s6_addr[12]));
  std::uint64_t network = 0;
  std::memcpy(&network, &v6, sizeof network);
  return Peer(AF_INET6, network);
}

bool Admission::admits(const SocketAddress& peer) {
  if (count_ >= most_) return refuse(peer, "the server has as many as it may have");
  const std::optional<Peer> key = peer_of(peer);
  if (!key.has_value()) return true;
  const auto found = by_peer_.find(*key);
  if (found == by_peer_.end() || found->second < most_of_a_peer_) return true;
  return refuse(peer, "its peer has as many as it may have");
}

void Admission::enter(const SocketAddress& peer) {
  ++count_;
  if (const auto key = peer_of(peer)) ++by_peer_[*key];
}

void Admission::leave(const SocketAddress& peer) {
  --count_;
  const std::optional<Peer> key = peer_of(peer);
  if (!key.has_value()) return;
  const auto found = by_peer_.find(*key);
  if (--found->second == 0) by_peer_.erase(found);
}

bool Admission::refuse(const SocketAddress& peer, std::string_view why) {
  ++refused_;
  const TimePoint now = loop_.time();
  if (quiet_until_.has_value() && now < *quiet_until_) return false;
  quiet_until_ = now + kTimeBetweenWarnings;
  log(LogSeverity::kWarning, absl::StrCat("connection from '", absl::CHexEscape(peer.to_string()),
                                          "' refused: ", why, "; ", refused_, " refused so far"));
  return false;
}

}  // namespace asyncio::internal
