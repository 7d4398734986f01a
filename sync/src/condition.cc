#include "asyncio/sync/condition.h"

#include <exception>
#include <stdexcept>

#include "asyncio/futures/errors.h"
#include "sync/src/described.h"

namespace asyncio {

// Tells whether the condition still exists.
class Condition::Guest final : private Holder {
 public:
  explicit Guest(Condition& condition) noexcept : Holder(condition.guests_) {}
  using Holder::holds;
};

Coro<bool> Condition::wait() {
  require_locked("cannot wait on un-acquired lock");
  loop_.bind(*this);
  const Guest guest(*this);
  WaitQueue::Place place(line_);
  lock_.release();
  std::exception_ptr error;
  try {
    co_await place.waiter();
  } catch (const CancelledError&) {
    if (!guest.holds()) throw;
    error = std::current_exception();
  }
  if (error == nullptr) place.require_queue();
  const bool notified = place.handed_over();
  place.leave();
  while (true) {
    try {
      co_await lock_.acquire();
      break;
    } catch (const CancelledError&) {
      if (!guest.holds()) throw;
      error = std::current_exception();
    }
  }
  if (error == nullptr) co_return true;
  if (notified && guest.holds()) line_.wake_first();
  std::rethrow_exception(error);
}

void Condition::notify(std::size_t n) {
  require_locked("cannot notify on un-acquired lock");
  while (n > 0 && line_.wake_first()) --n;
}

void Condition::notify_all() {
  require_locked("cannot notify on un-acquired lock");
  line_.wake_all();
}

void Condition::require_locked(const char* otherwise) const {
  if (!locked()) throw std::runtime_error(otherwise);
}

std::string to_string(const Condition& condition) {
  return described("Condition", condition.locked() ? "locked" : "unlocked", condition.line_.size());
}

}  // namespace asyncio
