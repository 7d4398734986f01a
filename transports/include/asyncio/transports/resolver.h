// From names to addresses.
#ifndef ASYNCIO_TRANSPORTS_RESOLVER_H_
#define ASYNCIO_TRANSPORTS_RESOLVER_H_

#include <netdb.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"

namespace asyncio {

// A name that could not be resolved; code() is one of the EAI_ numbers.
//
// Python counterpart: socket.gaierror.
class ResolveError : public std::system_error {
 public:
  // `host` is what was asked for.
  ResolveError(int code, const std::string& host);
};

struct ResolveHints {
  int family = AF_UNSPEC;
  int flags = 0;  // AI_PASSIVE and so on
};

// The stream addresses of `host`, each once; an empty host is every interface with AI_PASSIVE, else
// this machine. An address in figures is answered without a thread and without a turn. Names are
// looked up by the system on a small pool of threads, apart from everybody else's, that never holds
// up the process's end. On cancellation the wait ends at once, and the answer is dropped when it
// comes. Throws ResolveError, also for names that no resolver should see: longer than 253 bytes, or
// with a NUL inside.
//
// Python counterpart: loop.getaddrinfo(type=SOCK_STREAM).
Coro<std::vector<SocketAddress>> getaddrinfo(std::string host, std::uint16_t port,
                                             ResolveHints hints = ResolveHints());

// The names of an address: host and service, as text. `flags` are NI_NUMERICHOST, NI_NUMERICSERV
// and so on; with these two nothing is looked up, and no turn passes. Threads, cancellation and
// errors as for getaddrinfo().
//
// Python counterpart: loop.getnameinfo().
Coro<std::pair<std::string, std::string>> getnameinfo(SocketAddress address, int flags = 0);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_RESOLVER_H_
