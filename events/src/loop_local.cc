#include "asyncio/events/loop_local.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace asyncio::internal {

void LoopLocals::add(std::size_t key, std::shared_ptr<void> object) {
  by_key_.resize(std::max(by_key_.size(), key + 1));
  by_key_[key] = object.get();
  in_order_.push_back(std::move(object));
}

// An object is forgotten before its destructor runs. A destructor that needs one that is gone gets
// a fresh one, which is cleared in its turn.
void LoopLocals::clear() noexcept {
  while (!in_order_.empty()) {
    const std::shared_ptr<void> last = std::move(in_order_.back());
    in_order_.pop_back();
    std::replace(by_key_.begin(), by_key_.end(), last.get(), static_cast<void*>(nullptr));
  }
}

std::size_t new_loop_local_key() noexcept {
  static std::atomic<std::size_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace asyncio::internal
