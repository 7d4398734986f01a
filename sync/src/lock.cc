#include "asyncio/sync/lock.h"

#include <stdexcept>

#include "sync/src/described.h"

namespace asyncio {

void Lock::refuse_release() { throw std::runtime_error("Lock is not acquired."); }

std::string to_string(const Lock& lock) {
  return described("Lock", lock.locked() ? "locked" : "unlocked", lock.line_.size());
}

}  // namespace asyncio
