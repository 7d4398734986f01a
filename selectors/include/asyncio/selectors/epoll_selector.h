// EpollSelector: the back end of Linux.
//
// The kernel keeps the set; a wait costs nothing for descriptors that are idle. Watches whatever
// can be waited for: sockets, pipes, terminals, eventfds and their kin. For regular files, folders
// and devices that never block, such as /dev/null, add() throws PermissionError. Resolution of a
// timeout: nanoseconds below one second where the system has epoll_pwait2 (Linux 5.11 and
// glibc 2.35), else milliseconds.
//
// Descriptors closed before they were removed. As long as a duplicate lives, in this process or a
// child, the kernel goes on reporting them and offers no way to take them out of the set by number.
// The first such event makes this selector move all that is still registered into a fresh set under
// the same descriptor number. Whoever watches fileno() with an epoll of his own must then add it
// again; with poll and select it stays watched.

#ifndef ASYNCIO_SELECTORS_EPOLL_SELECTOR_H_
#define ASYNCIO_SELECTORS_EPOLL_SELECTOR_H_

// Elsewhere there is no such class.
#if __has_include(<sys/epoll.h>)

#include <sys/epoll.h>

#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

// Counterpart of selectors.EpollSelector.
class EpollSelector final : public Selector {
 public:
  // Throws OsError if the kernel has no epoll or no descriptor left.
  EpollSelector();

  std::string_view name() const noexcept override { return "EpollSelector"; }
  int fileno() const noexcept override { return epoll_.get(); }

 private:
  void os_add(Registration registration, EventMask events) override;
  void os_modify(Registration registration, EventMask events) override;
  void os_remove(int fd) noexcept override;
  int os_wait(Duration timeout) override;
  void os_collect(int ready) override;
  void os_close() noexcept override { epoll_.close(); }

  void sweep() noexcept;

  FileDescriptor epoll_;
  // Where the kernel puts one batch.
  std::vector<epoll_event> events_;
};

}  // namespace asyncio

#endif  // __has_include(<sys/epoll.h>)

#endif  // ASYNCIO_SELECTORS_EPOLL_SELECTOR_H_
