#include "asyncio/streams/open_connection.h"

#include <memory>
#include <string>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/transports/connection.h"
#include "streams/src/stream_protocol.h"

namespace asyncio {
namespace {

using internal::StreamProtocol;

Coro<std::pair<StreamReader, StreamWriter>> connect(std::string host, std::uint16_t port,
                                                    StreamConnectionOptions options,
                                                    std::source_location where) {
  EventLoop& loop = get_running_loop();
  const std::size_t limit = options.limit;
  auto factory = [&loop, limit] { return std::make_shared<StreamProtocol>(loop, limit, nullptr); };
  auto [transport, protocol] =
      co_await create_connection(factory, host, port, ConnectionOptions{options.family}, where);
  StreamReader reader(protocol);
  StreamWriter writer(protocol);
  co_return std::pair<StreamReader, StreamWriter>(std::move(reader), std::move(writer));
}

}  // namespace

Coro<std::pair<StreamReader, StreamWriter>> open_connection(std::string_view host,
                                                            std::uint16_t port,
                                                            StreamConnectionOptions options,
                                                            std::source_location where) {
  return connect(std::string(host), port, options, where);
}

}  // namespace asyncio
