// PollSelector: the back end of any Unix, for as many descriptors as one likes.
//
// The whole set goes to the kernel with every wait, which therefore costs in proportion to it. Any
// descriptor may be watched, regular files too: they are always ready. A registered descriptor that
// has been closed is reported as ready for everything until it is removed. Resolution of a timeout:
// nanoseconds; milliseconds on macOS, which has no ppoll().

#ifndef ASYNCIO_SELECTORS_POLL_SELECTOR_H_
#define ASYNCIO_SELECTORS_POLL_SELECTOR_H_

#include <poll.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

// Counterpart of selectors.PollSelector, with one departure: add() and modify() refuse a descriptor
// that is not open (OsError with EBADF), as epoll does.
class PollSelector final : public Selector {
 public:
  std::string_view name() const noexcept override { return "PollSelector"; }

 private:
  void os_add(Registration registration, EventMask events) override;
  void os_modify(Registration registration, EventMask events) override;
  void os_remove(int fd) noexcept override;
  int os_wait(Duration timeout) override;
  void os_collect(int ready) override;
  void os_close() noexcept override;

  // What the kernel is shown, in no particular order.
  std::vector<pollfd> polled_;
  // By descriptor: its place in polled_. Meaningless for those that are not registered.
  std::vector<std::size_t> places_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_POLL_SELECTOR_H_
