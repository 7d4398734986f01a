// InMemoryKqueue: BSD's kqueue(2) for tests, over the descriptors of this system.
//
// What it does, as the manual pages of FreeBSD and macOS have it:
//
//   - EVFILT_READ and EVFILT_WRITE are separate knotes, also of one descriptor.
//   - EV_ADD of a knote that exists updates its flags and udata, and enables it.
//   - EV_DELETE, EV_ENABLE, EV_DISABLE of an absent knote: ENOENT. A closed descriptor: EBADF.
//   - A change that fails yields an event with EV_ERROR and the error in data, one with EV_RECEIPT
//     always does (0 for success); the other changes of the call are applied, and the call returns
//     at once. Where there is no room for such an event, the call fails with the error.
//   - EV_ONESHOT deletes the knote with its first event, EV_DISPATCH disables it.
//   - EV_EOF at the end of a stream, with the error of a socket in fflags; data is what can still
//   be
//     read or how much room there is to write, the length of its backlog for a listener.
//   - Closing a descriptor drops its knotes, also where a duplicate lives.
//   - No room for events: the call does not wait. More events than room: the next call goes on with
//     the rest. Timeouts that Darwin refuses are refused.
//   - Forked children do not inherit a kqueue. It is readable while it has something to say, and
//     does not close by itself when another program is executed.
//
// What it cannot do: EV_CLEAR and filters other than these two (EINVAL); tell that a descriptor was
// closed if the same open file came back under its number before the next call; tell the error of a
// socket without taking it away from who asks next, so it names the likeliest one; the backlog of a
// listener that is not TCP (1 if there is any); EV_EOF for a side that this process shut down.
//
// Waits with poll(2). A kqueue belongs to one thread at a time. Once warm it uses no heap.

#ifndef ASYNCIO_SELECTORS_IN_MEMORY_KQUEUE_H_
#define ASYNCIO_SELECTORS_IN_MEMORY_KQUEUE_H_

#include <time.h>

#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "selectors/src/kqueue_api.h"

namespace asyncio {

class InMemoryKqueue final : public KqueueApi {
 public:
  InMemoryKqueue();
  InMemoryKqueue(const InMemoryKqueue&) = delete;
  InMemoryKqueue& operator=(const InMemoryKqueue&) = delete;
  // Closes all that is open.
  ~InMemoryKqueue() override;

  int kqueue() override;
  int kevent(int kq, std::span<const struct kevent> changes, std::span<struct kevent> events,
             const timespec* timeout) override;
  int close(int kq) override;

 private:
  class Queue;

  // What every fork has to do.
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  Queue* find(int kq);

  std::mutex mutex_;
  // By descriptor.
  std::map<int, std::unique_ptr<Queue>> queues_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_IN_MEMORY_KQUEUE_H_
