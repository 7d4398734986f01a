// Connecting, with a reader and a writer.
#ifndef ASYNCIO_STREAMS_OPEN_CONNECTION_H_
#define ASYNCIO_STREAMS_OPEN_CONNECTION_H_

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "asyncio/selectors/duration.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// As ConnectionOptions, with a limit.
struct StreamConnectionOptions {
  std::size_t limit = kDefaultStreamLimit;  // see kDefaultStreamLimit
  int family = AF_UNSPEC;                   // AF_INET or AF_INET6: only such addresses
  int proto = 0;
  int flags = 0;
  std::optional<LocalAddress> local_addr = std::nullopt;
  std::optional<Duration> happy_eyeballs_delay = std::nullopt;
  std::optional<int> interleave = std::nullopt;
  bool all_errors = false;
};
static_assert(std::is_trivially_copyable_v<StreamConnectionOptions>);

// Connects to `host`, a name or an address in figures:
//
//   auto [reader, writer] = co_await open_connection("localhost", 8888);
//
// Errors, turns and cancellation as create_connection(); std::invalid_argument for a limit of 0.
//
// Python counterpart: asyncio.open_connection().
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<std::pair<StreamReader, StreamWriter>> open_connection(
    std::string_view host, Port port, StreamConnectionOptions options = StreamConnectionOptions(),
    std::source_location where = std::source_location::current());

// The same on a stream socket that is connected already, and is taken over whatever comes of it.
//
// Python counterpart: asyncio.open_connection(sock=...).
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<std::pair<StreamReader, StreamWriter>> open_connection(
    Socket socket, std::size_t limit = kDefaultStreamLimit,
    std::source_location where = std::source_location::current());

// Connects to a Unix socket, by its path or one that is connected already. Errors, turns and
// cancellation as create_unix_connection(); std::invalid_argument for a limit of 0.
//
// Python counterpart: asyncio.open_unix_connection().
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<std::pair<StreamReader, StreamWriter>> open_unix_connection(
    std::string_view path, std::size_t limit = kDefaultStreamLimit,
    std::source_location where = std::source_location::current());
ASYNCIO_INTERNAL_CORO_WRAPPER Coro<std::pair<StreamReader, StreamWriter>> open_unix_connection(
    Socket socket, std::size_t limit = kDefaultStreamLimit,
    std::source_location where = std::source_location::current());

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_OPEN_CONNECTION_H_
