#include "asyncio/futures/run_in_executor.h"

#include <stdexcept>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/loop_local.h"

namespace asyncio {
namespace internal {
namespace {

// The pool that nullptr stands for.
class DefaultExecutor {
 public:
  explicit DefaultExecutor(EventLoop&) {}
  ~DefaultExecutor() { replace(nullptr); }

  static DefaultExecutor& of(EventLoop& loop) {
    static auto* all = new LoopLocal<DefaultExecutor>();
    return all->of(loop);
  }

  ThreadPool& pool() {
    if (shut_down_) throw std::runtime_error("Executor shutdown has been called");
    if (pool_ == nullptr) pool_ = std::make_shared<ThreadPool>();
    return *pool_;
  }

  void replace(std::shared_ptr<ThreadPool> pool) {
    const std::shared_ptr<ThreadPool> old = std::exchange(pool_, std::move(pool));
    if (old == nullptr) return;
    old->shutdown();
    if (old.use_count() == 1) old->detach();
  }

  // No default executor from here on; the pool, if there was one.
  std::shared_ptr<ThreadPool> shut_down() {
    shut_down_ = true;
    if (pool_ != nullptr) pool_->shutdown();
    return std::exchange(pool_, nullptr);
  }

 private:
  std::shared_ptr<ThreadPool> pool_;
  bool shut_down_ = false;
};

}  // namespace

void ExecutorJob::submit(EventLoop& loop, const Executor& executor) {
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  ThreadPool& pool =
      executor.pool() != nullptr ? *executor.pool() : DefaultExecutor::of(loop).pool();
  expect(loop);
  absl::Cleanup forget = [this] { withdraw(); };
  auto self = std::static_pointer_cast<ExecutorJob>(shared_from_this());
  pool.submit([self = std::move(self)] { self->work(); }, executor.where());
  std::move(forget).Cancel();
}

void ExecutorJob::cancel() noexcept {
  State queued = State::kQueued;
  state_.compare_exchange_strong(queued, State::kCancelled);
}

void ExecutorJob::work() noexcept {
  State queued = State::kQueued;
  if (state_.compare_exchange_strong(queued, State::kRunning)) execute();
  send();
}

}  // namespace internal

void set_default_executor(EventLoop& loop, std::shared_ptr<ThreadPool> executor) {
  if (executor == nullptr) throw std::invalid_argument("executor must be a ThreadPool");
  internal::DefaultExecutor::of(loop).replace(std::move(executor));
}

// A thread of its own waits for the others.
Future<> shutdown_default_executor(EventLoop& loop, Duration limit) {
  const std::shared_ptr<ThreadPool> pool = internal::DefaultExecutor::of(loop).shut_down();
  if (pool == nullptr) {
    Future<> nothing_to_do(loop);
    nothing_to_do.set_result();
    return nothing_to_do;
  }
  auto waiting_thread = std::make_shared<ThreadPool>(1, "asyncio_join");
  Future<> ended = run_in_executor(loop, waiting_thread.get(), [pool, limit] {
    if (pool->wait(limit)) return;
    log(LogSeverity::kWarning,
        absl::StrCat("The executor did not finish joining its threads within ",
                     absl::FormatDuration(absl::FromChrono(limit.nanoseconds())),
                     "; still running: ", absl::StrJoin(pool->running_jobs(), ", ")));
    pool->detach();
  });
  ended.add_done_callback([waiting_thread](const AnyFuture&) {});
  return ended;
}

}  // namespace asyncio
