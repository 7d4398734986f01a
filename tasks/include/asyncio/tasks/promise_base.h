// What every coroutine frame knows, and the trampoline on which a task's frames take turns.
//
// A task runs a chain of frames: the root awaits a coroutine, which awaits another, down to the
// leaf that waits for something. Frames never resume each other, which at g++ -O0 and under
// sanitizers would eat stack with every await. A frame that awaits a coroutine, or ends, only names
// the frame that runs next and returns to the trampoline:
//
//   run(leaf) ─┬─> frame 3 ── ends ──> "next: 2" ─┐
//              ├<────────────────────────────────┘
//              ├─> frame 2 ── awaits f() ──> "next: f" ─┐ …
//
// A suspended chain is destroyed leaf first, one frame after the other, for the same reason.
#ifndef ASYNCIO_TASKS_PROMISE_BASE_H_
#define ASYNCIO_TASKS_PROMISE_BASE_H_

#include <coroutine>
#include <cstddef>
#include <exception>
#include <source_location>
#include <utility>

#include "asyncio/events/block_pool.h"

namespace asyncio::internal {

class PromiseBase;
class TaskCore;

// The place in a frame that owns the frame of the coroutine being awaited there.
class FrameOwner {
 public:
  FrameOwner(const FrameOwner&) = delete;
  FrameOwner& operator=(const FrameOwner&) = delete;

 protected:
  explicit FrameOwner(PromiseBase* frame) noexcept : frame_(frame) {}
  ~FrameOwner();

  PromiseBase* frame_;

 private:
  friend class Trampoline;
};

// Runs one chain of frames.
class Trampoline {
 public:
  // `root` has not started. The trampoline owns it.
  explicit Trampoline(PromiseBase& root) noexcept : leaf_(&root), root_(&root) {}
  ~Trampoline() { destroy_frames(); }

  Trampoline(const Trampoline&) = delete;
  Trampoline& operator=(const Trampoline&) = delete;

  // Resumes the leaf and goes on until the chain suspends or the root has ended.
  void run_frames();

  // The root has ended: its promise holds the result.
  bool ended() const noexcept { return ended_; }
  bool started() const noexcept { return started_; }

  // Null once the frames are destroyed.
  PromiseBase* root() const noexcept { return root_; }

  // The frame that runs, or at which the chain waits; null once the frames are destroyed.
  const PromiseBase* leaf() const noexcept { return leaf_; }

  // Destroys whatever frames are left, in constant stack. REQUIRES: not inside run_frames().
  void destroy_frames() noexcept;

  // For frames only: which runs next.
  void run_next(PromiseBase& frame) noexcept { next_ = &frame; }
  void end() noexcept { ended_ = true; }

 private:
  PromiseBase* next_ = nullptr;
  PromiseBase* leaf_;
  PromiseBase* root_;
  bool started_ = false;
  bool ended_ = false;
};

// The promise of every Coro, without its result.
class PromiseBase {
 public:
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept {
    deallocate_block(block, size);
  }

  // Hands over to the frame that awaits this one.
  class FinalAwaiter {
   public:
    FinalAwaiter() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
      frame.promise().leave();
    }
    void await_resume() const noexcept {}
  };

  // Lazy, as in Python: calling a coroutine function runs nothing of it.
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  std::coroutine_handle<> frame() const noexcept { return frame_; }
  void destroy() noexcept { frame_.destroy(); }

  TaskCore& task() const noexcept { return *task_; }
  Trampoline& trampoline() const noexcept { return *trampoline_; }

  // Makes this the root of `task`.
  void adopt(TaskCore& task, Trampoline& trampoline) noexcept {
    task_ = &task;
    trampoline_ = &trampoline;
  }

  // Runs `child` next, owned by `owner` in this frame, and this frame after it.
  void await_child(PromiseBase& child, FrameOwner& owner) noexcept {
    child.task_ = task_;
    child.trampoline_ = trampoline_;
    child.parent_ = this;
    child.owner_ = &owner;
    trampoline_->run_next(child);
  }

  // Runs the frame that awaits this one next, though this one has not ended. REQUIRES: it waits to
  // be awaited again.
  void hand_back() noexcept { trampoline_->run_next(*parent_); }

  // What the body threw, moved out.
  std::exception_ptr take_error() noexcept { return std::move(error_); }

  // The line of the last co_await in this frame; before the first, the coroutine's own: with clang
  // where it begins, with g++ where it ends.
  std::source_location place() const noexcept { return place_; }
  void set_place(std::source_location place) noexcept { place_ = place; }

  // Who awaits this; null for a task's first coroutine, and for one that nobody awaits.
  const PromiseBase* parent() const noexcept { return parent_; }

  // Logs that the coroutine is about to be destroyed and never ran.
  void report_never_awaited() const noexcept;

  // The first parameter through which the coroutine may refer to a temporary of its caller, as the
  // compiler spells it; null if there is none. See borrow_check.h.
  const char* borrowed() const noexcept { return borrowed_; }
  void set_borrowed(const char* parameter) noexcept { borrowed_ = parameter; }

 protected:
  PromiseBase(std::coroutine_handle<> frame, std::source_location own) noexcept
      : frame_(frame), place_(own) {}
  ~PromiseBase() = default;

 private:
  friend class Trampoline;

  void leave() noexcept {
    if (parent_ != nullptr) {
      trampoline_->run_next(*parent_);
    } else {
      trampoline_->end();
    }
  }

  std::coroutine_handle<> frame_;
  TaskCore* task_ = nullptr;
  Trampoline* trampoline_ = nullptr;
  PromiseBase* parent_ = nullptr;  // who awaits this; null for the root
  FrameOwner* owner_ = nullptr;    // where in the parent's frame
  std::exception_ptr error_;
  const char* borrowed_ = nullptr;
  std::source_location place_;
};

inline FrameOwner::~FrameOwner() {
  if (frame_ != nullptr) frame_->destroy();
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_TASKS_PROMISE_BASE_H_
