#include "asyncio/transports/peer_credentials.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/socket.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"

namespace asyncio {
namespace {

int error_number_of(int fd) {
  try {
    peer_credentials(fd);
  } catch (const OsError& error) {
    return error.error_number();
  }
  return 0;
}

TEST(PeerCredentials, NameTheProcessUserAndGroupOfThePeer) {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  const FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);
  const PeerCredentials me{.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
  EXPECT_EQ(peer_credentials(ours.get()), me);
  theirs.close();
  EXPECT_EQ(peer_credentials(ours.get()), me) << "known also when it has gone";
}

TEST(PeerCredentials, ThereAreNoneWithoutAUnixSocketThatIsConnected) {
  EXPECT_EQ(error_number_of(-1), EBADF);
  EXPECT_EQ(error_number_of(connected_ends().ours.fileno()), EOPNOTSUPP);
  EXPECT_EQ(error_number_of(Socket::open(AF_UNIX, SOCK_STREAM).fileno()), ENOTCONN);
}

}  // namespace
}  // namespace asyncio
