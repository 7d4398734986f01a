// Pairs of descriptors to watch.

#ifndef ASYNCIO_SELECTORS_TEST_ENDS_H_
#define ASYNCIO_SELECTORS_TEST_ENDS_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {

// What goes in at one end comes out at the other. Neither blocks.
struct Ends {
  FileDescriptor here;
  FileDescriptor there;
};

inline Ends socket_pair() {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), "socketpair");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// `here` is the end to read from.
inline Ends pipe_pair() {
  int fds[2];
  check(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), "pipe2");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

inline void send_byte(const FileDescriptor& fd) { check(::write(fd.get(), "x", 1), "write"); }

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_TEST_ENDS_H_
