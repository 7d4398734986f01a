// What a loop calls while a descriptor is ready.
//
// The descriptor's key leads straight here, and the handler itself is what becomes due: whoever has
// one as a part of itself, as transports do, has its descriptor watched at no allocation. Everybody
// else hands a callback to add_reader().
#ifndef ASYNCIO_EVENTS_FD_HANDLER_H_
#define ASYNCIO_EVENTS_FD_HANDLER_H_

#include <source_location>
#include <utility>

#include "asyncio/events/activity.h"
#include "asyncio/events/block_pool.h"
#include "asyncio/events/context.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/runnable.h"

namespace asyncio {

// run() is called once a turn while the descriptor is ready, outside of every context.
class FdHandler : public Runnable {
 public:
  // The loop has let go of it, even if it was due. Also called while it runs. Whoever lives by
  // being watched ends here.
  virtual void removed() noexcept {}

 protected:
  ~FdHandler() = default;
};

namespace internal {

// Calls a callback, and owns itself until it is removed.
class FdCallback final : public FdHandler, public Pooled {
 public:
  FdCallback(ExceptionReporter& reporter, Callback callback, std::source_location added)
      : reporter_(reporter),
        callback_(std::move(callback)),
        context_(ContextRef::capture()),
        added_(added) {}

  void run() override;
  void removed() noexcept override;
  Activity activity() const noexcept override { return {.kind = "Handle", .created = added_}; }

 private:
  ~FdCallback() = default;

  ExceptionReporter& reporter_;
  Callback callback_;
  ContextRef context_;
  const std::source_location added_;
  bool running_ = false;
  bool removed_ = false;
};

}  // namespace internal
}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_FD_HANDLER_H_
