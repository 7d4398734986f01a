#include "asyncio/transports/server.h"

#include <ranges>
#include <stdexcept>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/utils/gather.h"
#include "transports/src/bind_sockets.h"
#include "transports/src/server_state.h"

namespace asyncio {
namespace internal {
namespace {

using Answers = std::vector<std::vector<AddressInfo>>;

// Each address once, in the order of the answers.
std::vector<SocketAddress> addresses_in(const Answers& answers) {
  std::vector<SocketAddress> addresses;
  for (const std::vector<AddressInfo>& answer : answers) {
    for (const AddressInfo& info : answer) {
      if (!absl::c_linear_search(addresses, info.address)) addresses.push_back(info.address);
    }
  }
  return addresses;
}

// One host, the usual case, takes no task.
Coro<Answers> resolve(std::vector<std::string> hosts, std::string port, ResolveHints hints) {
  if (hosts.size() == 1) {
    Answers answers(1);
    answers[0] = co_await getaddrinfo(hosts[0], port, hints);
    co_return std::move(answers);
  }
  auto ask = [&](const std::string& host) { return getaddrinfo(host, port, hints); };
  auto questions = gather(hosts | std::views::transform(ask));
  co_return co_await questions;
}

Coro<ShutdownCounts> shutdown(std::shared_ptr<ServerState> state, Duration grace) {
  const std::size_t all = state->client_count();
  const std::size_t aborted = co_await end_clients(std::move(state), grace);
  co_return ShutdownCounts{.finished = all - aborted, .aborted = aborted};
}

Coro<> serve_forever(std::shared_ptr<ServerState> state, Duration grace) {
  if (state->forever())
    throw std::runtime_error("server is already being awaited on serve_forever()");
  state->start_serving();
  std::exception_ptr cancellation;
  Waiter forever;
  state->set_forever(&forever);
  absl::Cleanup leave = [&] { state->set_forever(nullptr); };
  try {
    co_await forever;
  } catch (const CancelledError&) {
    cancellation = std::current_exception();
  }
  std::move(leave).Invoke();
  state->close();
  state->close_clients();
  co_await end_clients(std::move(state), grace);
  std::rethrow_exception(cancellation);
}

}  // namespace

Coro<Server> make_server(std::shared_ptr<ServerState> state, bool start) {
  Server server(state);
  if (start) co_await start_serving(std::move(state));
  co_return std::move(server);
}

Coro<Server> create_server(ProtocolFactory factory, std::vector<std::string> hosts,
                           std::string port, ServerOptions options, std::source_location where) {
  ResolveHints hints;
  hints.family = options.family;
  hints.type = SOCK_STREAM;
  hints.flags = options.flags;
  const Answers answers = co_await resolve(std::move(hosts), std::move(port), hints);
  BindOptions bind_options{.reuse_address = options.reuse_address,
                           .reuse_port = options.reuse_port,
                           .keep_alive = options.keep_alive};
  auto state =
      std::make_shared<ServerState>(get_running_loop(), std::move(factory), options.limits, where);
  for (Socket& socket : bind_sockets(addresses_in(answers), bind_options)) {
    state->add_listener(std::move(socket), options.backlog);
  }
  co_return co_await make_server(std::move(state), options.start_serving);
}

Coro<Server> create_server(ProtocolFactory factory, Socket socket, ServerOptions options,
                           std::source_location where) {
  if (socket.option(SOL_SOCKET, SO_TYPE) != SOCK_STREAM) {
    throw std::invalid_argument(
        absl::StrCat("A Stream Socket was expected, got descriptor ", socket.fileno()));
  }
  auto state =
      std::make_shared<ServerState>(get_running_loop(), std::move(factory), options.limits, where);
  state->add_listener(std::move(socket), options.backlog);
  co_return co_await make_server(std::move(state), options.start_serving);
}

}  // namespace internal

Server& Server::operator=(Server&& other) noexcept {
  if (this == &other) return *this;
  if (state_ != nullptr) state_->close();
  state_ = std::move(other.state_);
  return *this;
}

Server::~Server() {
  if (state_ != nullptr) state_->close();
}

std::vector<TransportSocket> Server::sockets() const { return state_->sockets(); }

bool Server::is_serving() const noexcept { return state_->serving(); }

EventLoop& Server::get_loop() const noexcept { return state_->loop(); }

std::uint64_t Server::refused() const noexcept { return state_->refused(); }

Coro<> Server::start_serving() const { return internal::start_serving(state_); }

Coro<> Server::serve_forever(Duration grace) const {
  return internal::serve_forever(state_, grace);
}

void Server::close() const noexcept { state_->close(); }

void Server::close_clients() const { state_->close_clients(); }

void Server::abort_clients() const { state_->abort_clients(); }

Coro<> Server::wait_closed() const { return internal::wait_closed(state_); }

Coro<ShutdownCounts> Server::shutdown(Duration grace) const {
  return internal::shutdown(state_, grace);
}

Coro<> Server::exit(std::exception_ptr) const {
  close();
  return wait_closed();
}

}  // namespace asyncio
