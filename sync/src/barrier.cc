#include "asyncio/sync/barrier.h"

#include "absl/strings/str_cat.h"

namespace asyncio {

Barrier::Barrier(int parties) : parties_(parties) {
  if (parties < 1) throw std::invalid_argument("parties must be >= 1");
}

// The time during which a task is here.
class Barrier::Stay : private Holder {
 public:
  explicit Stay(Barrier& barrier)
      : Holder(barrier.stays_), barrier_(barrier), place_(barrier.filling_) {
    ++barrier.here_;
  }
  ~Stay() {
    if (holds()) barrier_.leave();
  }

  WaitQueue::Place& place() noexcept { return place_; }

 private:
  Barrier& barrier_;
  WaitQueue::Place place_;
};

Coro<int> Barrier::wait() {
  while (busy()) {
    loop_.bind(*this);
    WaitQueue::Place place(blocked_);
    co_await place.waiter();
    place.require_queue();
  }
  if (broken()) throw BrokenBarrierError("Barrier aborted");
  const int index = here_;
  if (index + 1 == parties_) {
    if (index > 0) change(State::kDraining);
    co_return index;
  }
  loop_.bind(*this);
  Stay stay(*this);
  co_await stay.place().waiter();
  stay.place().require_queue();
  if (state_ != State::kDraining) throw BrokenBarrierError("Abort or reset of barrier");
  co_return index;
}

Coro<> Barrier::reset() {
  change(here_ > 0 ? State::kResetting : State::kFilling);
  co_return;
}

Coro<> Barrier::abort() {
  change(State::kBroken);
  co_return;
}

void Barrier::change(State state) noexcept {
  state_ = state;
  filling_.wake_all();
  blocked_.wake_all();
}

void Barrier::leave() noexcept {
  if (--here_ == 0 && busy()) change(State::kFilling);
}

std::string to_string(const Barrier& barrier) {
  static constexpr const char* kStates[] = {"filling", "draining", "resetting", "broken"};
  const char* state = kStates[static_cast<int>(barrier.state_)];
  if (barrier.broken()) return absl::StrCat("<asyncio::Barrier [", state, "]>");
  return absl::StrCat("<asyncio::Barrier [", state, ", waiters:", barrier.n_waiting(), "/",
                      barrier.parties(), "]>");
}

}  // namespace asyncio
