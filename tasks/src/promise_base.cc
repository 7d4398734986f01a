#include "asyncio/tasks/promise_base.h"

#include "absl/strings/str_cat.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/logger.h"

namespace asyncio::internal {

void PromiseBase::report_never_awaited() const noexcept {
  log(LogSeverity::kWarning,
      absl::StrCat("coroutine at ", to_string(place_), " was never awaited"));
}

void Trampoline::run_frames() {
  started_ = true;
  next_ = leaf_;
  while (PromiseBase* frame = std::exchange(next_, nullptr)) {
    leaf_ = frame;
    frame->frame().resume();
  }
}

// Leaf first: each owner is told before its frame goes, or the parent's destructor would destroy it
// again, and a deep chain would overflow the stack.
void Trampoline::destroy_frames() noexcept {
  PromiseBase* frame = ended_ ? root_ : leaf_;
  root_ = leaf_ = nullptr;
  while (frame != nullptr) {
    PromiseBase* parent = frame->parent_;
    if (frame->owner_ != nullptr) frame->owner_->frame_ = nullptr;
    frame->destroy();
    frame = parent;
  }
}

}  // namespace asyncio::internal
