#include "transports/src/accept_loop.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

constexpr auto kRetryDelay = std::chrono::seconds(1);

// The process, or the system, has no room for another connection now.
bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

AcceptLoop::AcceptLoop(EventLoop& loop, Socket socket, int backlog, Acceptor& acceptor,
                       std::source_location created)
    : loop_(loop),
      socket_(std::make_shared<Socket>(std::move(socket))),
      backlog_(std::max(backlog, 0)),
      acceptor_(acceptor),
      created_(created) {}

void AcceptLoop::start() {
  loop_.add_reader(socket_->fileno(), [this] { accept_batch(); }, created_);
}

void AcceptLoop::close() noexcept {
  if (!socket_->valid()) return;
  retry_.cancel();
  if (EventLoop::is_alive(&loop_)) loop_.remove_reader(socket_->fileno());
  socket_->close();
}

// As many as may be waiting, and one more.
void AcceptLoop::accept_batch() {
  const std::shared_ptr<AcceptLoop> alive = shared_from_this();
  for (int i = 0; i <= backlog_ && socket_->valid(); ++i) {
    if (!accept_one()) return;
  }
}

// False when there is nobody to accept, or no room.
bool AcceptLoop::accept_one() {
  std::optional<ConnectedSocket> connection;
  try {
    connection = socket_->accept_from();
  } catch (const ConnectionAbortedError&) {
    return true;
  } catch (const OsError& error) {
    if (!out_of_resources(error.error_number())) throw;
    pause(std::current_exception());
    return false;
  }
  if (!connection.has_value()) return false;
  acceptor_.accepted(*std::move(connection));
  return true;
}

// There may be no room for watching either.
void AcceptLoop::resume() {
  try {
    start();
  } catch (const OsError&) {
    pause(std::current_exception());
  }
}

// Reports last: the handler may close the server.
void AcceptLoop::pause(std::exception_ptr error) {
  loop_.remove_reader(socket_->fileno());
  retry_ = loop_.call_later(kRetryDelay, [this] { resume(); });
  loop_.call_exception_handler({.message = "socket.accept() out of system resource",
                                .exception = std::move(error),
                                .details = {{"socket", socket_->getsockname().to_string()}}});
}

}  // namespace asyncio::internal
