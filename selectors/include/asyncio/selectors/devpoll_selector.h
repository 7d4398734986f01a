// DevpollSelector: the back end of Solaris.
//
// The kernel keeps the set, in which a descriptor stands by its number alone; a wait costs nothing
// for descriptors that are idle. Any descriptor may be watched, regular files too: they are always
// ready. Resolution of a timeout: milliseconds. Only newer kernels (illumos) let another selector
// watch fileno().
//
// Descriptors closed before they were removed stay in the set, and the kernel reports them as
// invalid for ever. The first such event makes this selector take the number out of the set: it is
// not watched any more, whoever owns it, until it is added again.
//
// The kernel gives no more events at once than the process may have descriptors: what
// RLIMIT_NOFILE allows must not fall below the smaller of 1,024 and what it allowed when the
// selector was made. Where the system has no /dev/poll the constructor throws; kernels kept in
// memory can stand in.

#ifndef ASYNCIO_SELECTORS_DEVPOLL_SELECTOR_H_
#define ASYNCIO_SELECTORS_DEVPOLL_SELECTOR_H_

#include <poll.h>

#include <span>
#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

class DevpollApi;

// Counterpart of selectors.DevpollSelector, with one departure: add() and modify() refuse a
// descriptor that is not open (OsError with EBADF), as epoll does.
class DevpollSelector final : public Selector {
 public:
  // Throws OsError if the system has no /dev/poll (FileNotFoundError) or no descriptor left.
  DevpollSelector();

  // Asks `kernel`, which must outlive the selector, in place of the system.
  explicit DevpollSelector(DevpollApi& kernel);

  ~DevpollSelector() override;

  std::string_view name() const noexcept override { return "DevpollSelector"; }
  int fileno() const noexcept override { return devpoll_; }

 private:
  void os_add(Registration registration, EventMask events) override;
  void os_modify(Registration registration, EventMask events) override;
  void os_remove(int fd) noexcept override;
  int os_wait(Duration timeout) override;
  void os_collect(int ready) override;
  void os_close() noexcept override;

  // Returns -1 if the kernel did not take all of them.
  int write(std::span<const pollfd> changes) noexcept;

  DevpollApi& kernel_;
  // Where the kernel puts one batch.
  std::vector<pollfd> events_;
  // -1 once closed.
  int devpoll_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_DEVPOLL_SELECTOR_H_
