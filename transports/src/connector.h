// From addresses to a connected socket: one after the other, or in a race.
#ifndef ASYNCIO_TRANSPORTS_CONNECTOR_H_
#define ASYNCIO_TRANSPORTS_CONNECTOR_H_

#include <cstddef>
#include <exception>
#include <optional>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// Tries the addresses of one destination. An attempt that fails or loses has closed its socket when
// the call returns; so have all on cancellation. REQUIRES: outlives its coroutines; one of them is
// called, once.
class Connector {
 public:
  using Infos = std::vector<AddressInfo>;

  // Each socket is bound to the first of the `local` addresses that has its family and is free;
  // nullopt: to none.
  Connector(Infos remote, std::optional<Infos> local);

  // One after the other; nullopt if all fail. Throws what is no OsError.
  Coro<std::optional<Socket>> connect_in_turn();

  // The next one when `delay` has passed or the one before has failed; the first to stand wins (RFC
  // 8305, Happy Eyeballs). Returns and throws the same.
  Coro<std::optional<Socket>> race(Duration delay);

  // After nullopt: throws what all attempts have come to. With `all_errors` an ExceptionGroup, else
  // the OsError if there was one or all say the same, else an OsError that lists them. A
  // TimeoutError if none failed: they were cancelled, each by itself.
  [[noreturn]] void throw_failure(bool all_errors) const;

 private:
  using Failures = std::vector<std::exception_ptr>;

  struct Attempt {
    Connector* connector;
    std::size_t index;

    ASYNCIO_INTERNAL_CORO_WRAPPER Coro<Socket> operator()() const {
      return connector->attempt(index);
    }
  };

  Coro<Socket> attempt(std::size_t index);
  void bind_to_local(const Socket& socket, int family, Failures* failures) const;

  const Infos remote_;
  const std::optional<Infos> local_;
  std::vector<Failures> failures_;  // OsErrors, of each attempt
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_CONNECTOR_H_
