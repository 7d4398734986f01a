// Waiting once for a socket: what is under sock_recv() and its kin, and under sock_sendfile().
#ifndef ASYNCIO_TRANSPORTS_READY_TO_H_
#define ASYNCIO_TRANSPORTS_READY_TO_H_

#include <coroutine>
#include <utility>

#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/selector_map.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// `co_await ready_to_read(socket)`: resumes in the turn after the one in which the socket was found
// ready; it may have ceased to be by then, so try again and wait again. It is watched only while
// this waits. Whoever waits for the same thing later takes its place, as the second add_reader()
// does: the earlier one then waits until it is cancelled, and leaves the later one's registration
// alone. A cancellation loses nothing, for nothing is read or written here. Throws what
// add_reader() throws.
class [[nodiscard]] ReadyTo : public Suspension {
 public:
  // `event`: kEventRead or kEventWrite.
  ReadyTo(int fd, EventMask event) noexcept : fd_(fd), event_(event) {}
  ~ReadyTo();

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    watch();
    park(frame, waiter_);
  }
  void await_resume() { finish(waiter_); }

 private:
  // The loop's callback. It goes when it is removed or replaced, and says so.
  class Registration {
   public:
    explicit Registration(ReadyTo& owner) noexcept : owner_(&owner) {}
    Registration(Registration&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Registration& operator=(Registration&&) = delete;
    ~Registration() {
      if (owner_ != nullptr) owner_->registered_ = false;
    }

    void operator()() const noexcept { owner_->waiter_.wake(); }

   private:
    ReadyTo* owner_;
  };

  void watch();

  const int fd_;
  const EventMask event_;
  bool registered_ = false;
  Waiter waiter_;
};

// Throw std::runtime_error if the socket, by its descriptor, belongs to a transport.
ReadyTo ready_to_read(const Socket& socket);
ReadyTo ready_to_write(const Socket& socket);

// Throws std::invalid_argument, in debug mode only, if the socket blocks: trying first would wait.
void check_non_blocking(const Socket& socket);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_READY_TO_H_
