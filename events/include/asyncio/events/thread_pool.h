// Threads for work that blocks.
#ifndef ASYNCIO_EVENTS_THREAD_POOL_H_
#define ASYNCIO_EVENTS_THREAD_POOL_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace asyncio {

// Runs jobs in the order in which they were submitted, on at most `max_workers` threads, which are
// started when needed. Python counterpart: concurrent.futures.ThreadPoolExecutor.
class ThreadPool {
 public:
  using Job = absl::AnyInvocable<void()>;

  // REQUIRES: max_workers > 0.
  explicit ThreadPool(std::size_t max_workers) : max_workers_(max_workers) {}

  // Runs what was submitted to its end.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Any thread. The job must not throw. Throws std::system_error if no thread can be started and none
  // is there.
  void submit(Job job) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void work() ABSL_LOCKS_EXCLUDED(mutex_);
  bool has_work() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !jobs_.empty(); }

  const std::size_t max_workers_;
  absl::Mutex mutex_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mutex_);
  std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_THREAD_POOL_H_
