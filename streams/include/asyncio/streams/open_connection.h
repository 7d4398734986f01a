// Connecting, with a reader and a writer.
#ifndef ASYNCIO_STREAMS_OPEN_CONNECTION_H_
#define ASYNCIO_STREAMS_OPEN_CONNECTION_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

struct StreamConnectionOptions {
  std::size_t limit = kDefaultStreamLimit;  // see kDefaultStreamLimit
  int family = AF_UNSPEC;                   // AF_INET or AF_INET6: only such addresses
};
static_assert(std::is_trivially_copyable_v<StreamConnectionOptions>);

// Connects to `host`, a name or an address in figures:
//
//   auto [reader, writer] = co_await open_connection("localhost", 8888);
//
// Errors, turns and cancellation as create_connection(); std::invalid_argument for a limit of 0.
//
// Python counterpart: asyncio.open_connection().
Coro<std::pair<StreamReader, StreamWriter>> open_connection(
    std::string_view host, std::uint16_t port,
    StreamConnectionOptions options = StreamConnectionOptions(),
    std::source_location where = std::source_location::current());

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_OPEN_CONNECTION_H_
