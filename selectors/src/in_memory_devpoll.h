// InMemoryDevpoll: Solaris' /dev/poll for tests, over the descriptors of this system.
//
// What it does, as poll(7D) has it:
//
//   - Writing a pollfd adds the descriptor to the set; the events of a second write are added to
//     those of the first. Events that equal POLLREMOVE (0x0800) take it out, all of it, absent or
//     not. No number is refused: one that is not open is kept, one that cannot be is ignored.
//   - Closing a descriptor does not take it out: DP_POLL reports POLLNVAL for it until it is
//     removed. Where its number has a new owner, that one is watched.
//   - DP_POLL fills in at most dp_nfds results and returns their number; when more are ready, the
//     next call goes on with the rest. With dp_nfds 0 it only sleeps. EINVAL for more results than
//     RLIMIT_NOFILE; EINTR after a signal.
//   - DP_ISPOLLED returns 1 and the events if a descriptor is in the set, else 0.
//   - A forked child inherits the descriptor but may not use it: EACCES.
//
// Waits with poll(2). A device belongs to one thread at a time. Once warm it uses no heap.

#ifndef ASYNCIO_SELECTORS_IN_MEMORY_DEVPOLL_H_
#define ASYNCIO_SELECTORS_IN_MEMORY_DEVPOLL_H_

#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "selectors/src/devpoll_api.h"

namespace asyncio {

class InMemoryDevpoll final : public DevpollApi {
 public:
  InMemoryDevpoll();
  InMemoryDevpoll(const InMemoryDevpoll&) = delete;
  InMemoryDevpoll& operator=(const InMemoryDevpoll&) = delete;
  // Closes all that is open.
  ~InMemoryDevpoll() override;

  int open(const char* path, int flags) override;
  ssize_t write(int devpoll, std::span<const pollfd> changes) override;
  int ioctl(int devpoll, int request, void* argument) override;
  int close(int devpoll) override;

 private:
  class Device;

  // Null, and the thread's last error set, unless the caller may use it.
  Device* find(int devpoll);

  std::mutex mutex_;
  // By descriptor.
  std::map<int, std::unique_ptr<Device>> devices_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_IN_MEMORY_DEVPOLL_H_
