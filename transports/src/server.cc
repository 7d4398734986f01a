#include "asyncio/transports/server.h"

#include <netinet/in.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/resolver.h"
#include "transports/src/socket_transport.h"

namespace asyncio {
namespace internal {
namespace {

using namespace std::chrono_literals;

constexpr auto kAcceptRetryDelay = 1s;

// The process, or the system, has no room for another connection now.
bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

// Shared by the Server, its connections and whoever awaits it.
class ServerState final : public ConnectionObserver,
                          public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(EventLoop& loop, std::vector<Socket> sockets, ProtocolFactory factory, int backlog,
              std::source_location created)
      : loop_(loop),
        sockets_(std::move(sockets)),
        factory_(std::move(factory)),
        backlog_(backlog),
        created_(created) {}
  ~ServerState() { close(); }

  EventLoop& loop() const noexcept { return loop_; }
  std::span<const Socket> sockets() const noexcept { return sockets_; }
  bool serving() const noexcept { return serving_; }
  bool closed() const noexcept { return closed_; }

  void start_serving();
  void close() noexcept;

  template <class F>
  void for_each_client(F function) const {
    const std::vector<BaseTransport*> clients(clients_.begin(), clients_.end());
    for (BaseTransport* client : clients) {
      if (clients_.contains(client)) function(*client);
    }
  }

  // Somebody is in serve_forever(): close() ends it.
  void set_forever(Waiter* waiter) noexcept { forever_ = waiter; }
  bool forever() const noexcept { return forever_ != nullptr; }

  bool all_gone() const noexcept { return closed_ && clients_.empty(); }
  WaitQueue& waiting_for_end() noexcept { return waiting_for_end_; }

  void attached(BaseTransport& transport) override { clients_.insert(&transport); }
  void detached(BaseTransport& transport) override {
    clients_.erase(&transport);
    if (all_gone()) waiting_for_end_.wake_all();
  }

 private:
  void watch(const Socket& listener);
  void accept_batch(const Socket& listener);
  bool accept_one(const Socket& listener);
  void pause_accepting(const Socket& listener, std::exception_ptr error);

  EventLoop& loop_;
  std::vector<Socket> sockets_;
  ProtocolFactory factory_;
  const int backlog_;
  const std::source_location created_;
  absl::flat_hash_set<BaseTransport*> clients_;
  std::map<int, TimerHandle> retries_;  // by listening descriptor
  WaitQueue waiting_for_end_;
  Waiter* forever_ = nullptr;
  bool serving_ = false;
  bool closed_ = false;
};

void ServerState::start_serving() {
  if (closed_) throw std::runtime_error("server is closed");
  if (serving_) return;
  for (const Socket& listener : sockets_)
    listener.listen(backlog_);  // fails where the port is taken
  serving_ = true;
  for (const Socket& listener : sockets_) watch(listener);
}

void ServerState::watch(const Socket& listener) {
  loop_.add_reader(listener.fileno(), [this, &listener] { accept_batch(listener); }, created_);
}

void ServerState::close() noexcept {
  if (closed_) return;
  closed_ = true;
  serving_ = false;
  for (auto& [fd, retry] : retries_) retry.cancel();
  if (EventLoop::is_alive(&loop_)) {
    for (const Socket& listener : sockets_) loop_.remove_reader(listener.fileno());
  }
  sockets_.clear();
  if (forever_ != nullptr) forever_->cancel();
  if (all_gone()) waiting_for_end_.wake_all();
}

// As many as may be waiting, and one more; a factory may close the server meanwhile.
void ServerState::accept_batch(const Socket& listener) {
  const std::shared_ptr<ServerState> self = shared_from_this();
  for (int i = 0; i <= backlog_ && serving_; ++i) {
    if (!accept_one(listener)) return;
  }
}

// False when there is nobody to accept, or no room.
bool ServerState::accept_one(const Socket& listener) {
  std::optional<Socket> connection;
  try {
    connection = listener.accept();
  } catch (const ConnectionAbortedError&) {
    return true;
  } catch (const OsError& error) {
    if (!out_of_resources(error.error_number())) throw;
    pause_accepting(listener, std::current_exception());
    return false;
  }
  if (!connection.has_value()) return false;
  SocketTransport::start(loop_, *std::move(connection), factory_(), shared_from_this(), created_);
  return true;
}

// Reports last: the handler may close the server.
void ServerState::pause_accepting(const Socket& listener, std::exception_ptr error) {
  loop_.remove_reader(listener.fileno());
  retries_[listener.fileno()] =
      loop_.call_later(kAcceptRetryDelay, [this, &listener] { watch(listener); });
  loop_.call_exception_handler({.message = "socket.accept() out of system resource",
                                .exception = std::move(error),
                                .details = {{"socket", listener.getsockname().to_string()}}});
}

namespace {

// Listens nowhere yet.
Socket bind_socket(const SocketAddress& address, ServerOptions options) {
  Socket socket = Socket::open(address.family(), SOCK_STREAM);
  if (options.reuse_address) socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) socket.set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6) socket.set_option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  try {
    socket.bind(address);
  } catch (const OsError& error) {
    throw_os_error(error.error_number(),
                   absl::StrCat("error while attempting to bind on address ", address.to_string()));
  }
  return socket;
}

// An address that this machine does not have is skipped as long as another can be bound.
std::vector<Socket> bind_sockets(const std::vector<SocketAddress>& addresses,
                                 ServerOptions options) {
  std::vector<Socket> sockets;
  std::exception_ptr not_available;
  for (const SocketAddress& address : addresses) {
    try {
      sockets.push_back(bind_socket(address, options));
    } catch (const OsError& error) {
      if (error.error_number() != EADDRNOTAVAIL && error.error_number() != EAFNOSUPPORT) throw;
      not_available = std::current_exception();
    }
  }
  if (sockets.empty()) std::rethrow_exception(not_available);
  return sockets;
}

Coro<> start_serving(std::shared_ptr<ServerState> state) {
  state->start_serving();
  co_await sleep(0s);
}

Coro<> wait_closed(std::shared_ptr<ServerState> state) {
  if (!state->all_gone()) co_await WaitQueue::wait(&state->waiting_for_end());
}

Coro<> close_all(std::shared_ptr<ServerState> state) {
  state->close();
  state->for_each_client([](BaseTransport& client) { client.close(); });
  co_await wait_closed(std::move(state));
}

Coro<> serve_forever(std::shared_ptr<ServerState> state) {
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
  co_await close_all(std::move(state));
  std::rethrow_exception(cancellation);
}

}  // namespace

Coro<Server> create_server(ProtocolFactory factory, std::string host, std::uint16_t port,
                           ServerOptions options, std::source_location where) {
  ResolveHints hints;
  hints.family = options.family;
  hints.type = SOCK_STREAM;
  hints.flags = AI_PASSIVE;
  const std::vector<AddressInfo> infos = co_await getaddrinfo(host, port, hints);
  std::vector<SocketAddress> addresses;
  for (const AddressInfo& info : infos) addresses.push_back(info.address);
  auto state = std::make_shared<ServerState>(get_running_loop(), bind_sockets(addresses, options),
                                             std::move(factory), options.backlog, where);
  Server server(state);
  if (options.start_serving) co_await start_serving(std::move(state));
  co_return std::move(server);
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

std::span<const Socket> Server::sockets() const noexcept { return state_->sockets(); }

bool Server::is_serving() const noexcept { return state_->serving(); }

EventLoop& Server::get_loop() const noexcept { return state_->loop(); }

Coro<> Server::start_serving() const { return internal::start_serving(state_); }

Coro<> Server::serve_forever() const { return internal::serve_forever(state_); }

void Server::close() const noexcept { state_->close(); }

void Server::close_clients() const {
  state_->for_each_client([](BaseTransport& client) { client.close(); });
}

void Server::abort_clients() const {
  state_->for_each_client([](BaseTransport& client) { client.abort(); });
}

Coro<> Server::wait_closed() const { return internal::wait_closed(state_); }

Coro<> Server::exit(std::exception_ptr) const {
  close();
  return wait_closed();
}

}  // namespace asyncio
