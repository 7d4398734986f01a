#include "asyncio/futures/run_in_executor.h"

#include <stdexcept>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/loop_local.h"

namespace asyncio {
namespace internal {
namespace {

// The jobs of a loop whose results have not come yet.
class PendingJobs {
 public:
  explicit PendingJobs(EventLoop&) {}
  ~PendingJobs() {
    for (const auto& job : jobs_) job->drop_future();
  }

  static LoopLocal<PendingJobs>& all() {
    static auto* all = new LoopLocal<PendingJobs>();
    return *all;
  }

  void add(std::shared_ptr<ExecutorJob> job) { jobs_.insert(std::move(job)); }
  void remove(const std::shared_ptr<ExecutorJob>& job) { jobs_.erase(job); }

 private:
  absl::flat_hash_set<std::shared_ptr<ExecutorJob>> jobs_;
};

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
  loop_ = &loop;
  inbox_ = loop.inbox();
  ThreadPool& pool =
      executor.pool() != nullptr ? *executor.pool() : DefaultExecutor::of(loop).pool();
  pool.submit([self = shared_from_this()] { self->work(); }, executor.where());
  PendingJobs::all().of(loop).add(shared_from_this());
}

void ExecutorJob::cancel() noexcept {
  State queued = State::kQueued;
  state_.compare_exchange_strong(queued, State::kCancelled);
}

void ExecutorJob::work() noexcept {
  State queued = State::kQueued;
  if (state_.compare_exchange_strong(queued, State::kRunning)) execute();
  self_ = shared_from_this();
  if (!inbox_->post(*this)) abandon();
}

void ExecutorJob::run() {
  const std::shared_ptr<ExecutorJob> last = std::move(self_);
  PendingJobs::all().of(*loop_).remove(last);
  deliver();
}

void ExecutorJob::abandon() noexcept { const std::shared_ptr<ExecutorJob> last = std::move(self_); }

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
