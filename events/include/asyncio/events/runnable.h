// The node of which the ready queue is made.
//
// Whatever may be due next turn (a callback, a task's next step, a timer that fired) *is* a
// Runnable, so making it due allocates nothing: it is linked into the list. The same links hold it
// while it waits for a future, because nothing waits and is due at once.
//
// Invariant: a Runnable stands in at most one list. Destroying it takes it out, in O(1).
#ifndef ASYNCIO_EVENTS_RUNNABLE_H_
#define ASYNCIO_EVENTS_RUNNABLE_H_

#include "asyncio/events/activity.h"

namespace asyncio {

namespace internal {
class FutureState;  // of the layer above, and known by name alone
}

class RunnableList;

class Runnable {
 public:
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  // Called once by the loop after it has taken the node out of the ready queue. The node may
  // destroy itself here, once nothing of the user's runs any more: see activity(). Must throw
  // nothing but a FatalError, which leaves run_forever().
  virtual void run() = 0;

  // Called instead of run() when the loop closes first. Whoever lives by being queued ends here.
  virtual void abandon() noexcept {}

  // How reports name it. Called before run(), and while it runs.
  virtual Activity activity() const noexcept { return {}; }

  // The future that goes on when this runs: a task's, or that of a gather(). Null for callbacks.
  // Only call graphs look.
  virtual internal::FutureState* dependent() const noexcept { return nullptr; }

  // Whether the node stands in a list.
  bool linked() const noexcept { return next_ != nullptr; }

  // Leaves the list, if it stands in one. O(1).
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = nullptr;
  }

 protected:
  Runnable() = default;
  ~Runnable() { unlink(); }

 private:
  friend class RunnableList;

  Runnable* next_ = nullptr;  // null: in no list
  Runnable* prev_ = nullptr;
};

// A first-in first-out line of Runnables. It owns none of them.
class RunnableList {
 public:
  RunnableList() { head_.next_ = head_.prev_ = &head_; }
  ~RunnableList() {
    while (!empty()) pop_front();
    head_.next_ = nullptr;
  }

  RunnableList(const RunnableList&) = delete;
  RunnableList& operator=(const RunnableList&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }

  // REQUIRES: !node.linked().
  void push_back(Runnable& node) noexcept {
    node.prev_ = head_.prev_;
    node.next_ = &head_;
    head_.prev_->next_ = &node;
    head_.prev_ = &node;
  }

  // REQUIRES: !empty().
  Runnable& pop_front() noexcept {
    Runnable* node = head_.next_;
    head_.next_ = node->next_;
    node->next_->prev_ = &head_;
    node->next_ = nullptr;
    return *node;
  }

  // Calls visit(node) for each, from the first to the last.
  template <class F>
  void for_each(F visit) const {
    for (const Runnable* node = head_.next_; node != &head_; node = node->next_) visit(*node);
  }

  // Moves all of `other` behind, or before, what is here. O(1).
  void splice_back(RunnableList& other) noexcept { splice(*head_.prev_, other); }
  void splice_front(RunnableList& other) noexcept { splice(head_, other); }

 private:
  class Sentinel final : public Runnable {
    void run() override {}
    friend class RunnableList;
  };

  // Inserts all of `other` right after `place`.
  static void splice(Runnable& place, RunnableList& other) noexcept {
    if (other.empty()) return;
    Runnable* first = other.head_.next_;
    Runnable* last = other.head_.prev_;
    first->prev_ = &place;
    last->next_ = place.next_;
    place.next_->prev_ = last;
    place.next_ = first;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

  Sentinel head_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_RUNNABLE_H_
