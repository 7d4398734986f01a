// A connection inside the process: for tests of protocols, without sockets, and as an example of a
// transport that is written outside this library; nothing private is used.
#ifndef ASYNCIO_TRANSPORTS_MEMORY_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_MEMORY_TRANSPORT_H_

#include <memory>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"

namespace asyncio::testing {

// Two ends, each joined to its protocol. What one writes the other receives in a later turn, in
// pieces as large as they were written or larger. Bytes that the peer does not read count as this
// end's write buffer, so that flow control works as over a network. sockname() and peername() are
// no addresses, fileno() is -1. connection_made() runs next turn. The loop keeps neither end alive:
// closing both, or dropping both, ends them.
std::pair<std::shared_ptr<Transport>, std::shared_ptr<Transport>> connect_in_memory(
    EventLoop& loop, std::shared_ptr<BufferedProtocol> one,
    std::shared_ptr<BufferedProtocol> other);

}  // namespace asyncio::testing

#endif  // ASYNCIO_TRANSPORTS_MEMORY_TRANSPORT_H_
