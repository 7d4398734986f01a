#include "asyncio/events/threadsafe_handle.h"

#include <atomic>
#include <exception>
#include <new>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/block_pool.h"
#include "asyncio/events/fatal_error.h"

namespace asyncio::internal {
namespace {

// What this thread runs, so that a callback which cancels its own handle does not wait for itself.
constinit thread_local const ThreadsafeHandleState* runs_here = nullptr;

// The memory of states, which wander from the threads that post to those that run. What is freed
// goes where all find it; who runs out takes all of that for himself.
struct Block {
  Block* next;
};

constinit std::atomic<Block*> freed{nullptr};

void free_block(Block* block) noexcept {
  block->next = freed.load(std::memory_order_relaxed);
  while (!freed.compare_exchange_weak(block->next, block, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
}

struct OwnBlocks {
  OwnBlocks() {}
  ~OwnBlocks() {
    while (first != nullptr) free_block(std::exchange(first, first->next));
  }
  Block* first = nullptr;
};

}  // namespace

void* ThreadsafeHandleState::operator new(std::size_t size) {
  if (!BlockPool::serves(size)) return ::operator new(size);
  thread_local OwnBlocks own;
  if (own.first == nullptr) own.first = freed.exchange(nullptr, std::memory_order_acquire);
  if (own.first == nullptr) return ::operator new(size);
  return std::exchange(own.first, own.first->next);
}

void ThreadsafeHandleState::operator delete(void* block, std::size_t size) noexcept {
  BlockPool::serves(size) ? free_block(::new (block) Block{}) : ::operator delete(block);
}

bool ThreadsafeHandleState::take(Phase next) noexcept {
  Phase expected = Phase::kPending;
  return phase_.compare_exchange_strong(expected, next, std::memory_order_acquire);
}

void ThreadsafeHandleState::run() {
  absl::Cleanup drop = [this] { drop_reference(); };
  if (take(Phase::kRunning)) call();
}

void ThreadsafeHandleState::call() {
  const absl::Cleanup over = [this, outer = std::exchange(runs_here, this)] {
    runs_here = outer;
    phase_.store(Phase::kOver, std::memory_order_release);
    phase_.notify_all();
  };
  const ContextScope scope(context_);
  const absl::Cleanup destroy = [this] { callback_ = nullptr; };
  try {
    callback_();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    report_exception();
  }
}

void ThreadsafeHandleState::report_exception() {
  reporter_.call_exception_handler({.message = "Exception in callback",
                                    .exception = std::current_exception(),
                                    .details = {{"handle", to_string(activity())}}});
}

void ThreadsafeHandleState::cancel() noexcept {
  cancelled_.store(true, std::memory_order_relaxed);
  withdraw();
}

// What the callback has captured may cancel this handle once more, or own it: it goes last.
void ThreadsafeHandleState::withdraw() noexcept {
  if (!take(Phase::kOver)) return wait_while_running();
  const Callback withdrawn = std::move(callback_);
}

void ThreadsafeHandleState::abandon() noexcept {
  withdraw();
  drop_reference();
}

bool ThreadsafeHandleState::cancelled() const noexcept {
  wait_while_running();
  return cancelled_.load(std::memory_order_relaxed);
}

void ThreadsafeHandleState::wait_while_running() const noexcept {
  if (runs_here != this) phase_.wait(Phase::kRunning, std::memory_order_acquire);
}

}  // namespace asyncio::internal
