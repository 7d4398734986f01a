// How many connections a server has, and whether there may be one more.
#ifndef ASYNCIO_TRANSPORTS_ADMISSION_H_
#define ASYNCIO_TRANSPORTS_ADMISSION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/server_limits.h"

namespace asyncio::internal {

// O(1) each, and some bytes for each peer that is counted.
class Admission {
 public:
  Admission(EventLoop& loop, const ServerLimits& limits) noexcept;

  // Whether a connection of `peer` may enter. If not that is counted, and logged now and then.
  bool admits(const SocketAddress& peer);

  // Each enter() has its leave(), of the same peer.
  void enter(const SocketAddress& peer);
  void leave(const SocketAddress& peer);

  // How many were not admitted.
  std::uint64_t refused() const noexcept { return refused_; }

 private:
  // The family, and as much of the address as tells one peer from another.
  using Peer = std::pair<int, std::uint64_t>;

  static std::optional<Peer> peer_of(const SocketAddress& address);
  bool refuse(const SocketAddress& peer, std::string_view why);

  EventLoop& loop_;
  const std::size_t most_;
  const std::size_t most_of_a_peer_;
  std::size_t count_ = 0;
  absl::flat_hash_map<Peer, std::size_t> by_peer_;
  std::uint64_t refused_ = 0;
  std::optional<TimePoint> quiet_until_;  // after a warning
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_ADMISSION_H_
