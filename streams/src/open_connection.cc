#include "asyncio/streams/open_connection.h"

#include <memory>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/unix_connection.h"
#include "streams/src/stream_protocol.h"

namespace asyncio {
namespace {

using internal::StreamProtocol;
using Streams = std::pair<StreamReader, StreamWriter>;

// `target`: as for internal::create_connection().
template <class Target>
Coro<Streams> connect(Target target, std::size_t limit, std::source_location where) {
  EventLoop& loop = get_running_loop();
  auto factory = [&loop, limit] { return std::make_shared<StreamProtocol>(loop, limit); };
  auto [transport, protocol] =
      co_await internal::create_connection(factory, std::move(target), where);
  StreamReader reader(protocol);
  StreamWriter writer(protocol);
  co_return Streams(std::move(reader), std::move(writer));
}

ConnectionOptions connection_options(const StreamConnectionOptions& options) {
  return {.family = options.family,
          .proto = options.proto,
          .flags = options.flags,
          .local_addr = options.local_addr,
          .happy_eyeballs_delay = options.happy_eyeballs_delay,
          .interleave = options.interleave,
          .all_errors = options.all_errors};
}

}  // namespace

Coro<Streams> open_connection(std::string_view host, Port port, StreamConnectionOptions options,
                              std::source_location where) {
  return connect(internal::Destination(host, port, connection_options(options)), options.limit,
                 where);
}

Coro<Streams> open_connection(Socket socket, std::size_t limit, std::source_location where) {
  return connect(std::move(socket), limit, where);
}

Coro<Streams> open_unix_connection(std::string_view path, std::size_t limit,
                                   std::source_location where) {
  return connect(internal::UnixPath(path), limit, where);
}

Coro<Streams> open_unix_connection(Socket socket, std::size_t limit, std::source_location where) {
  return connect(internal::UnixSocket(std::move(socket)), limit, where);
}

}  // namespace asyncio
