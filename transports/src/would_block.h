// Which errors are none.
#ifndef ASYNCIO_TRANSPORTS_WOULD_BLOCK_H_
#define ASYNCIO_TRANSPORTS_WOULD_BLOCK_H_

#include <cerrno>

namespace asyncio {

// Whether a system call that did not wait says by `error` that it would have had to. EINTR cannot
// happen to such calls, but costs nothing to expect.
inline bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_WOULD_BLOCK_H_
