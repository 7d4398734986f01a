#include "asyncio/events/fd_handler.h"

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/guarded_call.h"

namespace asyncio::internal {

// A callback that is removed while it runs goes when it has returned, with all that it has captured
// while this can still be asked what runs.
void FdCallback::run() {
  running_ = true;
  const absl::Cleanup finish = [this] {
    running_ = false;
    if (!removed_) return;
    callback_ = nullptr;
    delete this;
  };
  guarded_call(reporter_, context_, *this, callback_);
}

void FdCallback::removed() noexcept {
  removed_ = true;
  if (!running_) delete this;
}

}  // namespace asyncio::internal
