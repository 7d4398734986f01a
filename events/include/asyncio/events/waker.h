// Interrupts a loop that sleeps in its selector, from another thread or from a signal handler.
#ifndef ASYNCIO_EVENTS_WAKER_H_
#define ASYNCIO_EVENTS_WAKER_H_

#include "asyncio/selectors/file_descriptor.h"

namespace asyncio {

// An eventfd. Becomes readable by wake() and stays so until acknowledge().
class Waker {
 public:
  // Throws OsError when the process is out of descriptors.
  Waker();

  int fileno() const noexcept { return fd_.get(); }

  // One system call; async-signal-safe; keeps errno; never blocks.
  void wake() const noexcept { wake(fd_.get()); }
  static void wake(int fd) noexcept;

  // Makes it unreadable again.
  void acknowledge() const noexcept;

 private:
  FileDescriptor fd_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_WAKER_H_
