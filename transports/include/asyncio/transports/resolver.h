// From names to addresses, and back.
#ifndef ASYNCIO_TRANSPORTS_RESOLVER_H_
#define ASYNCIO_TRANSPORTS_RESOLVER_H_

#include <netdb.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/port.h"

namespace asyncio {

// A name that could not be resolved; code() is one of the EAI_ numbers.
//
// Python counterpart: socket.gaierror.
class ResolveError : public std::system_error {
 public:
  // `name` is what was asked for.
  ResolveError(int code, std::string_view name);
};

// Which answers are wanted; 0: all.
struct ResolveHints {
  int family = AF_UNSPEC;  // AF_INET, AF_INET6
  int type = 0;            // SOCK_STREAM, SOCK_DGRAM; 0 gives each address once for each type
  int proto = 0;           // IPPROTO_TCP and so on
  int flags = 0;           // AI_PASSIVE and so on
};
static_assert(std::is_trivially_copyable_v<ResolveHints>);

// The addresses of `host`, each once, in the order in which they should be tried. An empty host is
// every interface with AI_PASSIVE, else this machine. An address in figures, an IPv6 one also with
// its scope ("fe80::1%eth0"), with a port in figures is answered without a thread and without a
// turn. Names are looked up by the system on a small pool of threads, apart from everybody else's,
// that never holds up the process's end. On cancellation the wait ends at once, and the answer is
// dropped when it comes.
//
// Throws ResolveError; OsError if the system fails. These names are refused with EAI_NONAME before
// a resolver can cut them short or read them otherwise than who has checked them:
//   - longer than 253 bytes, with a label that is empty or longer than 63
//   - with a byte that is not printable ASCII: give the name's A-label, "xn--…"
//   - IPv4 addresses in spellings of old: "127.1", "0x7f000001", "2130706433", "0177.0.0.1"
// A port is refused with EAI_SERVICE above 65535, or if it is neither digits nor a service's name.
//
// Python counterpart: loop.getaddrinfo().
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<std::vector<AddressInfo>> getaddrinfo(
    std::string_view host, Port port, ResolveHints hints = ResolveHints());

// The names of an address: host and service, as text. `flags` are NI_NUMERICHOST, NI_NUMERICSERV
// and so on; with these two nothing is looked up, and no turn passes. Threads, cancellation and
// errors as for getaddrinfo().
//
// Python counterpart: loop.getnameinfo().
Coro<std::pair<std::string, std::string>> getnameinfo(SocketAddress address, int flags = 0);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_RESOLVER_H_
