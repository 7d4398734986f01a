// Something on its way from another thread to a loop: the result of a job, a request to cancel.
//
// Both sides share it, so that either may be gone before the other. What it carries for the loop
// (futures are not thread-safe) is touched and destroyed on the loop's thread alone: the loop keeps
// each delivery it expects, until it has come, was withdrawn, or the loop closes.
#ifndef ASYNCIO_FUTURES_DELIVERY_H_
#define ASYNCIO_FUTURES_DELIVERY_H_

#include <memory>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/inbox.h"
#include "asyncio/events/runnable.h"

namespace asyncio::internal {

class Delivery : public Runnable, public std::enable_shared_from_this<Delivery> {
 public:
  virtual ~Delivery() = default;

  // Loop's thread, once, before send(). REQUIRES: the loop is open.
  void expect(EventLoop& loop);

  // Loop's thread. Whether `loop` expects any.
  static bool expected_by(EventLoop& loop);

  // Loop's thread: it need not come any more, and if it does nothing happens.
  void withdraw() noexcept;

  // Any thread, once: it is delivered in a later turn, or dropped if the loop is closed.
  void send() noexcept;

  // The loop's.
  void run() final;
  void abandon() noexcept final;

 protected:
  // Loop's thread: it has come.
  virtual void deliver() = 0;

  // Loop's thread: it will not come. Destroys what deliver() would have needed.
  virtual void drop() noexcept = 0;

 private:
  friend class ExpectedDeliveries;

  EventLoop* loop_ = nullptr;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Delivery> self_;  // while posted
  bool expected_ = false;           // loop's thread
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_FUTURES_DELIVERY_H_
