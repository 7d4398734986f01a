// The one buffer of a loop into which connections receive.
//
// No idle connection holds a receive buffer: bytes that have no other place yet arrive here and are
// consumed before the next read. It stays in cache, however many connections there are.
#ifndef ASYNCIO_TRANSPORTS_RECEIVE_BUFFER_H_
#define ASYNCIO_TRANSPORTS_RECEIVE_BUFFER_H_

#include <span>

#include "asyncio/events/event_loop.h"

namespace asyncio {

// 256 KiB, made on first use; memory that no read has reached is not touched.
std::span<char> receive_buffer(EventLoop& loop);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_RECEIVE_BUFFER_H_
