#include "asyncio/transports/connection.h"

#include <algorithm>
#include <exception>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/resolver.h"
#include "transports/src/socket_transport.h"

namespace asyncio::internal {
namespace {

// Throws what all attempts together have come to.
[[noreturn]] void throw_connect_failure(const std::vector<std::exception_ptr>& failures) {
  std::vector<std::string> texts;
  int error_number = 0;
  for (const std::exception_ptr& failure : failures) {
    try {
      std::rethrow_exception(failure);
    } catch (const OsError& error) {
      texts.emplace_back(error.what());
      error_number = error.error_number();
    }
  }
  const bool all_alike =
      std::all_of(texts.begin(), texts.end(), [&](const auto& text) { return text == texts[0]; });
  if (all_alike) std::rethrow_exception(failures.front());
  throw OsError(error_number, absl::StrCat("Multiple exceptions: ", absl::StrJoin(texts, ", ")));
}

Coro<Socket> connect_socket(SocketAddress address) {
  Socket socket = Socket::open(address.family(), SOCK_STREAM);
  co_await sock_connect(socket, address);
  co_return std::move(socket);
}

}  // namespace

Coro<Socket> connect_to(std::string host, std::uint16_t port, ConnectionOptions options) {
  ResolveHints hints;
  hints.family = options.family;
  hints.type = SOCK_STREAM;
  const std::vector<AddressInfo> infos = co_await getaddrinfo(host, port, hints);
  std::vector<std::exception_ptr> failures;
  for (const AddressInfo& info : infos) {
    try {
      co_return co_await connect_socket(info.address);
    } catch (const OsError&) {
      failures.push_back(std::current_exception());
    }
  }
  throw_connect_failure(failures);
}

Coro<std::shared_ptr<Transport>> start_connection(Socket socket,
                                                  std::shared_ptr<BufferedProtocol> protocol,
                                                  std::source_location where) {
  EventLoop& loop = get_running_loop();
  std::shared_ptr<SocketTransport> transport =
      SocketTransport::start(loop, std::move(socket), std::move(protocol), nullptr, where);
  absl::Cleanup close = [&] { transport->close(); };
  Waiter made;
  Handle wake = loop.call_soon([&made] { made.wake(); });
  absl::Cleanup withdraw = [&] { wake.cancel(); };
  co_await made;
  std::move(close).Cancel();
  co_return std::move(transport);
}

}  // namespace asyncio::internal
