// The way of every byte that leaves through a stream.
//
// A write is tried first; the descriptor is watched for writing only when the kernel takes less.
// What is left is one run of bytes in one buffer, so that flushing it is one system call however
// many writes have filled it. The protocol is paused above the high-water mark and resumed at the
// low-water mark, strictly by turns, by whichever call passes the mark.
#ifndef ASYNCIO_TRANSPORTS_WRITE_FUNNEL_H_
#define ASYNCIO_TRANSPORTS_WRITE_FUNNEL_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "asyncio/events/event_loop.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/transports/byte_buffer.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"
#include "transports/src/dropped_writes.h"
#include "transports/src/transport_life.h"
#include "transports/src/write_pauser.h"

namespace asyncio {

class WriteFunnel {
 public:
  // sendmsg(), writev() or what does the same: bytes taken, or -1 and errno.
  using Send = ssize_t (*)(int fd, std::span<const iovec> pieces);

  // The transport, as its funnel sees it.
  class Owner {
   protected:
    ~Owner() = default;

   private:
    friend WriteFunnel;

    // Whom to pause; null once the connection is lost.
    virtual BaseProtocol* writer() const noexcept = 0;

    // All that was buffered has left.
    virtual void flushed() = 0;

    // Inside a catch: the kernel has refused a write. Ends the connection, and stops this.
    virtual void write_failed() = 0;

    // How many bytes a protocol may write while it is told to pause. More ends the connection with
    // an OsError (ENOBUFS).
    virtual std::size_t most_unheeded() const noexcept {
      return std::numeric_limits<std::size_t>::max();
    }

    // The words of the warning about writes to a connection that is lost.
    virtual const char* dropped_write_warning() const noexcept = 0;
  };

  // `fd` stays the owner's.
  WriteFunnel(Owner& owner, TransportLife& life, int fd, Send send) noexcept
      : owner_(owner), life_(life), send_(send), fd_(fd) {}

  void write(std::string_view data);
  void writelines(std::span<const std::string_view> pieces);

  // Counts a write that comes too late: no error, for peers come and go, but a warning from the
  // fifth on.
  void drop();

  // After this, writing throws std::runtime_error(`why`); null: it is allowed again. For the end of
  // the stream, and while a file is sent.
  void refuse(const char* why) noexcept { refusal_ = why; }

  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return backlog_ == nullptr ? 0 : backlog_->unsent.size(); }
  WriteBufferLimits limits() const noexcept {
    return backlog_ == nullptr ? WriteBufferLimits() : backlog_->pauser.limits();
  }

  // Throws what write() would throw now.
  void check_not_refused() const;

  // For who sends past the buffer: wakes `waiter` once all that was written has left and the kernel
  // takes more, or when this is stopped. One at a time; it must be withdrawn before it goes.
  // REQUIRES: the connection is not lost.
  void wake_when_writable(Waiter& waiter);
  void withdraw_waiter();

  // Pauses at once if more is buffered than the new mark allows.
  void set_limits(WriteBufferLimits limits);

  // Whether the kernel has taken anything since the last question.
  bool take_progress() noexcept { return std::exchange(progressed_, false); }

  // Drops what is unsent and watches the descriptor no longer.
  void stop();

 private:
  // What it takes to keep bytes and to wait. Made when the kernel first takes less than was written
  // or a limit is set: most connections never need it.
  struct Backlog {
    explicit Backlog(EventLoop& loop) noexcept : pauser(loop) {}

    ByteBuffer unsent;
    WritePauser pauser;
    std::size_t unheeded = 0;  // bytes written since pause_writing()
    Waiter* waiter = nullptr;
  };

  Backlog& backlog();
  bool accepts_write();
  std::size_t send_pieces(std::span<const std::string_view> pieces);
  std::size_t send_now(std::span<const iovec> pieces);
  bool keep(std::string_view rest);
  bool watching() const noexcept { return !empty() || waiting(); }
  bool waiting() const noexcept { return backlog_ != nullptr && backlog_->waiter != nullptr; }
  bool watch();
  void all_sent();
  void wake_waiter();
  void grew();
  void on_writable();

  Owner& owner_;
  TransportLife& life_;
  const Send send_;
  const char* refusal_ = nullptr;
  std::unique_ptr<Backlog> backlog_;
  const int fd_;
  DroppedWrites dropped_writes_;
  bool progressed_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_WRITE_FUNNEL_H_
