// The life of a transport: what every one does once, in the same order, whatever it sends.
//
//   started → connection_made() → reading → closing → connection_lost() → descriptor closed
//
// A transport has one, tells it what happens on the descriptor, and is told what to do next.
#ifndef ASYNCIO_TRANSPORTS_TRANSPORT_LIFE_H_
#define ASYNCIO_TRANSPORTS_TRANSPORT_LIFE_H_

#include <exception>
#include <memory>
#include <source_location>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/fd_handler.h"
#include "asyncio/transports/protocol.h"

namespace asyncio {

// Throws std::runtime_error if `fd` belongs to a transport of the loop.
void check_no_transport(EventLoop& loop, int fd);

class TransportLife final : private FdHandler {
 public:
  // The transport, as its life sees it. A public base, or it could not share itself.
  class Owner : public std::enable_shared_from_this<Owner> {
   protected:
    ~Owner() = default;

   private:
    friend TransportLife;

    virtual int descriptor() const noexcept = 0;

    virtual void call_connection_made() = 0;
    virtual void start_reading() = 0;

    // What add_reader() waits for. What this throws is reported; the transport stays open.
    virtual void on_readable() = 0;

    // Watches the descriptor no longer and drops what is unsent.
    virtual void stop() = 0;

    // Lets go of the protocol and returns it.
    virtual std::shared_ptr<BaseProtocol> take_protocol() noexcept = 0;
    virtual void close_descriptor() noexcept = 0;

    // The end: nothing is left open and nobody is called any more.
    virtual void ended() {}
  };

  // Reports name `created`. The callbacks of the connection run in one context of their own, a copy
  // of the one that is current now.
  TransportLife(Owner& owner, EventLoop& loop, std::source_location created);

  // Schedules connection_made(), then the beginning of reading: entries of their own, as in
  // asyncio, for the protocol may pause or close in the first. From here to connection_lost() the
  // loop keeps the owner alive. Throws std::runtime_error if a transport has the descriptor
  // already.
  void start();

  EventLoop& loop() const noexcept { return loop_; }
  std::source_location created() const noexcept { return created_; }
  bool closing() const noexcept { return closing_; }

  // connection_lost() is due or has run.
  bool lost() const noexcept { return lost_; }

  // False if it was closing already.
  bool begin_closing() noexcept { return !std::exchange(closing_, true); }

  // Calls connection_lost(error) and lets go of everything: in a later turn, for protocols need not
  // expect it inside their own call; or now, from a callback of the loop's.
  void lose_soon(std::exception_ptr error);
  void lose(std::exception_ptr error);

  // Ends it without sending what is left. No effect once lost.
  void force_close(std::exception_ptr error);

  // Inside a catch: ends it with the exception. A failure of the connection is the peer's or the
  // network's and is told to the protocol only; anything else is a mistake of the program and is
  // reported as well.
  void fail(std::string_view message);

  // Inside a catch: the same, and whatever it is, it is reported.
  void fail_loudly(std::string_view message);

  // Watch the descriptor: the first for the owner's on_readable(), which takes no memory. Where the
  // system refuses, as when it is out of memory, they return false and the connection ends with
  // that error, for it would hear nothing any more. REQUIRES: the owner outlives the callback.
  bool add_reader();
  template <class F>
  bool add_writer(F callback) {
    return watch(
        [&] { loop_.add_writer(owner_.descriptor(), in_context(std::move(callback)), created_); });
  }

  // `callback`, in the context of the connection. REQUIRES: the owner outlives it.
  template <class F>
  auto in_context(F callback) {
    return [this, callback = std::move(callback)]() mutable {
      internal::ContextScope scope(context_);
      callback();
    };
  }

  // The loop is closing: connection_lost(ConnectionAbortedError) runs now, for a protocol may rely
  // on the transport until then. In debug mode an open transport is logged.
  void end_with_loop();

 private:
  // FdHandler.
  void run() override;
  Activity activity() const noexcept override { return {.kind = "Transport", .created = created_}; }

  bool watch(absl::FunctionRef<void()> add);
  void report(std::string_view message, std::exception_ptr error);
  void finish(std::exception_ptr error);

  Owner& owner_;
  EventLoop& loop_;
  const std::source_location created_;
  internal::ContextRef context_;
  bool made_ = false;  // connection_made() has been called
  bool closing_ = false;
  bool lost_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_TRANSPORT_LIFE_H_
