#include "asyncio/transports/peer_credentials.h"

#include <sys/socket.h>

#include <cerrno>

#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

constexpr auto kNobody = static_cast<uid_t>(-1);

int family_of(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  check(::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size), "getsockopt");
  return family;
}

}  // namespace

// Where there is no peer Linux names nobody instead of failing. A process id of 0 says nothing: so
// looks a peer in another container.
PeerCredentials peer_credentials(int fd) {
  if (family_of(fd) != AF_UNIX) throw_os_error(EOPNOTSUPP, "peer_credentials");
  ucred credentials{};
  socklen_t size = sizeof credentials;
  check(::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size), "getsockopt");
  if (credentials.uid == kNobody) throw_os_error(ENOTCONN, "peer_credentials");
  return {.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

}  // namespace asyncio
