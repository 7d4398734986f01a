#include "asyncio/events/block_pool.h"

namespace asyncio::internal {

constinit thread_local BlockPool block_pool{};

struct BlockPoolJanitor {
  BlockPoolJanitor() {}
  ~BlockPoolJanitor() {
    for (auto*& list : block_pool.free_by_class_) {
      while (list != nullptr) ::operator delete(std::exchange(list, list->next));
    }
  }
};

void BlockPool::hire_janitor() noexcept {
  thread_local BlockPoolJanitor janitor;
  (void)janitor;
  has_janitor_ = true;
}

}  // namespace asyncio::internal
