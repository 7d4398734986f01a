#include "asyncio/sync/semaphore.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "sync/src/described.h"

namespace asyncio {

Semaphore::Semaphore(int value, int bound) : value_(value), bound_(bound) {
  if (value < 0) throw std::invalid_argument("Semaphore initial value must be >= 0");
}

void Semaphore::refuse_release() {
  throw std::invalid_argument("BoundedSemaphore released too many times");
}

std::string to_string(const Semaphore& semaphore) {
  const bool bounded = semaphore.bound_ != std::numeric_limits<int>::max();
  const std::string state = semaphore.locked() ? std::string("locked")
                                               : absl::StrCat("unlocked, value:", semaphore.value_);
  return described(bounded ? "BoundedSemaphore" : "Semaphore", state, semaphore.line_.size());
}

}  // namespace asyncio
