// Who is at the other end of a Unix socket.
#ifndef ASYNCIO_TRANSPORTS_PEER_CREDENTIALS_H_
#define ASYNCIO_TRANSPORTS_PEER_CREDENTIALS_H_

#include <sys/types.h>

namespace asyncio {

// As the kernel saw the peer when the connection was made, which nobody can forge. The process may
// have ended since, and another may have its number; 0 is one that cannot be seen from here.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;

  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

// Of the connected Unix socket `fd`: `peer_credentials(transport.fileno())`. One or two system
// calls. Throws OsError: EBADF for a connection that is lost (-1), EOPNOTSUPP if it is no Unix
// socket, ENOTCONN if nobody is at its other end.
//
// Python counterpart: sock.getsockopt(SOL_SOCKET, SO_PEERCRED, ...).
PeerCredentials peer_credentials(int fd);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_PEER_CREDENTIALS_H_
