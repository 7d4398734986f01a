#include "asyncio/sync/barrier.h"

#include "absl/strings/str_cat.h"

namespace asyncio {

Barrier::Barrier(int parties) : parties_(parties) {
  if (parties < 1) throw std::invalid_argument("parties must be >= 1");
}

// The time during which a task is here.
class Barrier::Stay : private Holder {
 public:
  explicit Stay(Barrier& barrier) : Holder(barrier.guests_), barrier_(barrier) { ++barrier.here_; }
  ~Stay() {
    if (holds()) barrier_.leave();
  }

 private:
  Barrier& barrier_;
};

// A wait for another state. Whoever gives it up wakes the next, as Python's does, who then looks
// whether the state is another and may wait again, behind the others.
class Barrier::StateWait : private Holder {
 public:
  explicit StateWait(Barrier& barrier)
      : Holder(barrier.guests_), line_(barrier.line_), place_(barrier.line_) {
    barrier.loop_.bind(barrier);
  }
  ~StateWait() {
    if (ended_ || !holds()) return;
    place_.leave();
    line_.wake_first();
  }

  Waiter& waiter() noexcept { return place_.waiter(); }

  // Throws std::runtime_error if the barrier has been destroyed.
  void end() {
    ended_ = true;
    place_.require_queue();
  }

 private:
  WaitQueue& line_;
  WaitQueue::Place place_;
  bool ended_ = false;
};

Coro<int> Barrier::wait() {
  while (busy()) {
    StateWait change(*this);
    co_await change.waiter();
    change.end();
  }
  if (broken()) throw BrokenBarrierError("Barrier aborted");
  const int index = here_;
  if (index + 1 == parties_) {
    if (index > 0) change(State::kDraining);
    co_return index;
  }
  loop_.bind(*this);
  const Stay stay(*this);
  while (state_ == State::kFilling) {
    StateWait change(*this);
    co_await change.waiter();
    change.end();
  }
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
  line_.wake_all();
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
