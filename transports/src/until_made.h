// Waiting for a transport that has just been started.
#ifndef ASYNCIO_TRANSPORTS_UNTIL_MADE_H_
#define ASYNCIO_TRANSPORTS_UNTIL_MADE_H_

#include <memory>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// Resumes after connection_made() of `transport`, which has been started in this turn, has run, and
// reading has begun. On cancellation the transport is closed.
Coro<> until_made(std::shared_ptr<BaseTransport> transport);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_UNTIL_MADE_H_
