#include "asyncio/utils/gather.h"

#include <stdexcept>

#include "asyncio/futures/errors.h"

namespace asyncio::internal {

GatherCore::GatherCore(FutureState& outer, OnFailure on_failure, Children children)
    : outer_(outer),
      children_(std::move(children)),
      unfinished_(children_.size()),
      on_failure_(on_failure) {
  for (const StateRef<FutureState>& child : children_) {
    if (&child->loop() == &outer_.loop()) continue;
    throw std::invalid_argument(
        "The future belongs to a different loop than the one specified as the loop argument");
  }
}

// All are watched before one may end the whole, which leaves no children.
void GatherCore::start() {
  for (const StateRef<FutureState>& child : children_) {
    if (!child->done()) watches_.emplace_back(*child, *this);
  }
  if (children_.empty()) return succeed();
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i]->done()) child_done(*children_[i]);
  }
}

bool GatherCore::cancel_children(const std::optional<std::string>& message) {
  if (outer_.done()) return false;
  bool requested = false;
  for (const StateRef<FutureState>& child : children_) requested |= child->cancel(message);
  cancel_requested_ |= requested;
  return requested;
}

void GatherCore::child_done(FutureState& child) {
  --unfinished_;
  if (on_failure_ == OnFailure::kEnd) {
    if (std::exception_ptr error = error_of(child)) return fail(std::move(error));
  }
  if (unfinished_ > 0) return;
  watches_.clear();
  if (cancel_requested_) {
    fail(children_.back()->make_cancelled_error());
  } else {
    succeed();
    children_.clear();
  }
}

// Lets the children go, which may long outlive this.
void GatherCore::fail(std::exception_ptr error) {
  watches_.clear();
  for (const StateRef<FutureState>& child : std::exchange(children_, {})) {
    if (child->done()) {
      child->mark_retrieved();
    } else {
      child->add_done_callback([](FutureState& late) { late.mark_retrieved(); });
    }
  }
  outer_.fail(std::move(error));
}

}  // namespace asyncio::internal
