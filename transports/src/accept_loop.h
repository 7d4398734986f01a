// One socket that listens: accepts what arrives, and pauses when the system has no room.
#ifndef ASYNCIO_TRANSPORTS_ACCEPT_LOOP_H_
#define ASYNCIO_TRANSPORTS_ACCEPT_LOOP_H_

#include <exception>
#include <memory>
#include <source_location>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/handle.h"
#include "asyncio/transports/socket.h"

namespace asyncio::internal {

// Made by std::make_shared: it stays while it accepts, whoever drops it meanwhile.
class AcceptLoop : public std::enable_shared_from_this<AcceptLoop> {
 public:
  class Acceptor {
   public:
    // May close the loop that calls. What it throws is a callback's exception.
    virtual void accepted(ConnectedSocket connection) = 0;

   protected:
    ~Acceptor() = default;
  };

  // `acceptor` is not asked after close().
  AcceptLoop(EventLoop& loop, Socket socket, int backlog, Acceptor& acceptor,
             std::source_location created);
  ~AcceptLoop() { close(); }

  // Stays where it is, open or closed.
  const std::shared_ptr<Socket>& socket() const noexcept { return socket_; }

  // Lets clients connect; fails where the port is taken.
  void listen() const { socket_->listen(backlog_); }

  void start();

  // Closes the socket. Idempotent.
  void close() noexcept;

 private:
  void accept_batch();
  bool accept_one();
  void pause(std::exception_ptr error);
  void resume();

  EventLoop& loop_;
  const std::shared_ptr<Socket> socket_;
  const int backlog_;
  Acceptor& acceptor_;
  const std::source_location created_;
  TimerHandle retry_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_ACCEPT_LOOP_H_
