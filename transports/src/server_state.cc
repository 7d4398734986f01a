#include "transports/src/server_state.h"

#include <chrono>
#include <limits>
#include <stdexcept>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/utils/wait_for.h"

namespace asyncio::internal {

ServerState::ServerState(EventLoop& loop, ProtocolFactory factory, const ServerLimits& limits,
                         std::source_location created)
    : loop_(loop),
      factory_(std::move(factory)),
      most_unheeded_(limits.buffered_bytes == 0 ? std::numeric_limits<std::size_t>::max()
                                                : limits.buffered_bytes),
      created_(created),
      context_(ContextRef::capture()),
      admission_(loop, limits),
      idle_(loop, limits.idle_timeout, "idle for too long", nullptr),
      silent_from_the_start_(loop, limits.first_byte_timeout, "no first byte in time", &idle_) {}

void ServerState::add_listener(Socket socket, int backlog) {
  Acceptor& self = *this;
  listeners_.push_back(
      std::make_shared<AcceptLoop>(loop_, std::move(socket), backlog, self, created_));
}

std::vector<TransportSocket> ServerState::sockets() const {
  std::vector<TransportSocket> sockets;
  if (closed_) return sockets;
  for (const auto& listener : listeners_) sockets.emplace_back(listener->socket());
  return sockets;
}

void ServerState::start_serving() {
  if (closed_) throw std::runtime_error("server is closed");
  if (serving_) return;
  for (const auto& listener : listeners_) listener->listen();
  serving_ = true;
  for (const auto& listener : listeners_) listener->start();
}

// The file goes while its socket is open, or another file might have its number by then.
void ServerState::close() noexcept {
  if (closed_) return;
  closed_ = true;
  serving_ = false;
  file_.reset();
  for (const auto& listener : listeners_) listener->close();
  if (forever_ != nullptr) forever_->cancel();
  if (all_gone()) waiting_for_end_.wake_all();
}

// One that is closed or aborted leaves in a later turn.
template <class F>
void ServerState::for_each_client(F function) {
  silent_from_the_start_.for_each(function);
  idle_.for_each(function);
}

void ServerState::close_clients() {
  for_each_client([](SocketTransport& client) { client.close(); });
}

void ServerState::abort_clients() {
  for_each_client([](SocketTransport& client) { client.abort(); });
}

// The factory may close the server, and drop it.
void ServerState::accepted(ConnectedSocket connection) {
  const std::shared_ptr<ServerState> self = shared_from_this();
  if (!admission_.admits(connection.peer)) return;
  try {
    set_up(std::move(connection));
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    if (loop_.get_debug()) report(std::current_exception());
  }
}

// A factory that makes no protocol is a mistake that nobody would see otherwise.
void ServerState::set_up(ConnectedSocket connection) {
  ContextRef context;
  {
    const ContextScope ours(context_);
    context = ContextRef::capture();
  }
  const ContextScope theirs(context);
  std::shared_ptr<BufferedProtocol> protocol = factory_();
  if (protocol == nullptr) {
    return report(std::make_exception_ptr(std::runtime_error("the factory made no protocol")));
  }
  SocketTransport::start(loop_, std::move(connection), std::move(protocol), shared_from_this(),
                         created_);
}

void ServerState::report(std::exception_ptr error) {
  loop_.call_exception_handler({.message = "Error on transport creation for incoming connection",
                                .exception = std::move(error)});
}

void ServerState::attached(SocketTransport& connection) {
  admission_.enter(connection.peername());
  silent_from_the_start_.add(connection);
  ++client_count_;
}

void ServerState::detached(SocketTransport& connection) {
  connection.unlink();
  admission_.leave(connection.peername());
  --client_count_;
  if (all_gone()) waiting_for_end_.wake_all();
}

Coro<> start_serving(std::shared_ptr<ServerState> state) {
  state->start_serving();
  co_await sleep(std::chrono::seconds(0));
}

Coro<> wait_closed(std::shared_ptr<ServerState> state) {
  if (!state->all_gone()) co_await WaitQueue::wait(&state->waiting_for_end());
}

Coro<std::size_t> end_clients(std::shared_ptr<ServerState> state, Duration grace) {
  std::exception_ptr cancellation;
  state->close();
  try {
    co_await wait_for(wait_closed(state), grace);
  } catch (const TimeoutError&) {
  } catch (const CancelledError&) {
    cancellation = std::current_exception();
  }
  const std::size_t aborted = state->client_count();
  state->abort_clients();
  co_await wait_closed(state);
  if (cancellation != nullptr) std::rethrow_exception(cancellation);
  co_return aborted;
}

}  // namespace asyncio::internal
