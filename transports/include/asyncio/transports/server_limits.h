// What a server grants to its clients.
#ifndef ASYNCIO_TRANSPORTS_SERVER_LIMITS_H_
#define ASYNCIO_TRANSPORTS_SERVER_LIMITS_H_

#include <chrono>
#include <cstddef>
#include <type_traits>

#include "asyncio/selectors/duration.h"

namespace asyncio {

// Part of a server's options, as in `{.limits = {.connections = 100}}`. Every limit is on by
// default, and far above what an honest client needs; 0 turns one off.
//
// A connection above a limit is accepted and closed at once, before the factory is asked, so that
// neither it nor those behind it in the queue keep the server busy. Server::refused() counts these;
// a warning is logged, at most one a minute.
//
// The two timeouts are never early, and late by half of themselves at most. They read no clock and
// set no timer per connection.
struct ServerLimits {
  // At the same time.
  std::size_t connections = 20'000;

  // At the same time, and from the same IPv4 address or the same IPv6 network of 64 bits, for who
  // has one address there has them all. Clients of a Unix socket have no address and no such limit.
  std::size_t connections_per_peer = 5'000;

  // How long a new connection may go without a byte in either direction. Then it is aborted:
  // connection_lost(TimeoutError).
  Duration first_byte_timeout = std::chrono::minutes(1);

  // How long any later silence may last, which includes a peer that takes nothing of what is
  // buffered for it. Aborted likewise, also a connection that is closing.
  Duration idle_timeout = std::chrono::hours(1);

  // How much a protocol may write to one connection after pause_writing() and before
  // resume_writing(). Then the connection is aborted with an OsError (ENOBUFS). Never met by who
  // awaits drain(), however much a single write() has.
  std::size_t buffered_bytes = std::size_t{64} * 1024 * 1024;
};
static_assert(std::is_trivially_copyable_v<ServerLimits>);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SERVER_LIMITS_H_
