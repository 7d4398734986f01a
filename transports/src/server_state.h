// What a server consists of, shared by the Server, its connections and whoever awaits it.
#ifndef ASYNCIO_TRANSPORTS_SERVER_STATE_H_
#define ASYNCIO_TRANSPORTS_SERVER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport_socket.h"
#include "transports/src/accept_loop.h"
#include "transports/src/admission.h"
#include "transports/src/silence_watch.h"
#include "transports/src/socket_file.h"
#include "transports/src/socket_transport.h"

namespace asyncio::internal {

// The factory and everything of a connection run in a copy, of the connection's own, of the context
// that is current when this is made.
class ServerState final : public ConnectionObserver,
                          public std::enable_shared_from_this<ServerState>,
                          private AcceptLoop::Acceptor {
 public:
  ServerState(EventLoop& loop, ProtocolFactory factory, const ServerLimits& limits,
              std::source_location created);
  ~ServerState() { close(); }

  // A socket that is bound. REQUIRES: !serving().
  void add_listener(Socket socket, int backlog);

  // Removes the Unix socket at `path` when it closes, if it is its own by then.
  void clean_up(const std::string& path) { file_.emplace(path); }

  EventLoop& loop() const noexcept { return loop_; }
  std::vector<TransportSocket> sockets() const;
  bool serving() const noexcept { return serving_; }
  std::uint64_t refused() const noexcept { return admission_.refused(); }
  std::size_t client_count() const noexcept { return client_count_; }

  void start_serving();
  void close() noexcept;
  void close_clients();
  void abort_clients();

  // Somebody is in serve_forever(): close() ends it.
  void set_forever(Waiter* waiter) noexcept { forever_ = waiter; }
  bool forever() const noexcept { return forever_ != nullptr; }

  bool all_gone() const noexcept { return closed_ && client_count_ == 0; }
  WaitQueue& waiting_for_end() noexcept { return waiting_for_end_; }

 private:
  // AcceptLoop::Acceptor.
  void accepted(ConnectedSocket connection) override;

  // ConnectionObserver.
  void attached(SocketTransport& connection) override;
  void detached(SocketTransport& connection) override;
  std::size_t most_unheeded() const noexcept override { return most_unheeded_; }

  template <class F>
  void for_each_client(F function);
  void set_up(ConnectedSocket connection);
  void report(std::exception_ptr error);

  EventLoop& loop_;
  ProtocolFactory factory_;
  const std::size_t most_unheeded_;
  const std::source_location created_;
  ContextRef context_;
  std::vector<std::shared_ptr<AcceptLoop>> listeners_;
  std::optional<SocketFile> file_;
  std::size_t client_count_ = 0;
  Admission admission_;
  SilenceWatch idle_;                   // each client is here,
  SilenceWatch silent_from_the_start_;  // or here
  WaitQueue waiting_for_end_;
  Waiter* forever_ = nullptr;
  bool serving_ = false;
  bool closed_ = false;
};

// Server::start_serving() and Server::wait_closed().
Coro<> start_serving(std::shared_ptr<ServerState> state);
Coro<> wait_closed(std::shared_ptr<ServerState> state);

// Closes the server, waits for the end of its connections for at most `grace`, and then aborts
// those that are left; a cancellation aborts them at once. Returns how many had to be aborted.
Coro<std::size_t> end_clients(std::shared_ptr<ServerState> state, Duration grace);

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_SERVER_STATE_H_
