// SelectSelector: the back end of last resort.
//
// Takes descriptors below FD_SETSIZE (1,024 on Linux) only, and shows all of them to the kernel
// with every wait. Any of them may be watched, regular files too: they are always ready. A
// registered descriptor that has been closed makes select() throw OsError with EBADF until it is
// removed. A hang-up alone counts as readable only. Resolution of a timeout: nanoseconds.

#ifndef ASYNCIO_SELECTORS_SELECT_SELECTOR_H_
#define ASYNCIO_SELECTORS_SELECT_SELECTOR_H_

#include <sys/select.h>

#include <string_view>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

// Counterpart of selectors.SelectSelector, with two departures: add() throws std::invalid_argument
// for a descriptor that is too large (Python: the next select()), and add() and modify() refuse one
// that is not open (OsError with EBADF), as epoll does.
class SelectSelector final : public Selector {
 public:
  SelectSelector() noexcept;

  std::string_view name() const noexcept override { return "SelectSelector"; }

 private:
  void os_add(Registration registration, EventMask events) override;
  void os_modify(Registration registration, EventMask events) override;
  void os_remove(int fd) noexcept override;
  int os_wait(Duration timeout) override;
  void os_collect(int ready) override;
  void os_close() noexcept override;

  fd_set readers_;
  fd_set writers_;
  // What the last wait found.
  fd_set readable_;
  fd_set writable_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_SELECT_SELECTOR_H_
