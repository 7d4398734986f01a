// KqueueSelector: the back end of macOS and the BSDs.
//
// The kernel keeps the set; a wait costs nothing for descriptors that are idle. Reading and writing
// are two filters of a descriptor, which come and go one by one; what both of them say in one batch
// is reported once. Resolution of a timeout: microseconds.
//
// The end of a stream makes its own side ready, so that a peer which only stops sending does not
// make a writer whose buffer is full spin; an end with an error, as after a reset, makes both
// ready.
//
// A descriptor closed before it was removed leaves the kernel's set at once, also where a duplicate
// lives: nothing stale is ever reported. Forked children do not inherit the set.
//
// Where the system has no kqueue the constructor throws; kernels kept in memory can stand in.

#ifndef ASYNCIO_SELECTORS_KQUEUE_SELECTOR_H_
#define ASYNCIO_SELECTORS_KQUEUE_SELECTOR_H_

#include <memory>
#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

class KqueueApi;

// Counterpart of selectors.KqueueSelector, with one departure: a descriptor that is ready for both
// events is reported once (Python: twice).
class KqueueSelector final : public Selector {
 public:
  // Throws OsError if the system has no kqueue (ENOSYS) or no descriptor left.
  KqueueSelector();

  // Asks `kernel`, which must outlive the selector, in place of the system.
  explicit KqueueSelector(KqueueApi& kernel);

  ~KqueueSelector() override;

  std::string_view name() const noexcept override { return "KqueueSelector"; }
  int fileno() const noexcept override { return kqueue_; }

 private:
  // Where the kernel puts one batch.
  struct Batch;

  void os_add(Registration registration, EventMask events) override;
  void os_modify(Registration registration, EventMask events) override;
  void os_remove(int fd) noexcept override;
  int os_wait(Duration timeout) override;
  void os_collect(int ready) override;
  void os_close() noexcept override;

  void change(Registration registration, EventMask before, EventMask after);

  KqueueApi& kernel_;
  const std::unique_ptr<Batch> batch_;
  // By descriptor: what one batch says of it; nothing outside of os_collect().
  std::vector<EventMask> happened_;
  // -1 once closed.
  int kqueue_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_KQUEUE_SELECTOR_H_
