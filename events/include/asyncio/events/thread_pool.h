// Threads for work that blocks.
//
// Python counterpart: concurrent.futures.ThreadPoolExecutor.
#ifndef ASYNCIO_EVENTS_THREAD_POOL_H_
#define ASYNCIO_EVENTS_THREAD_POOL_H_

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "asyncio/selectors/duration.h"

namespace asyncio {

// Runs jobs in the order in which they were submitted, on threads that are started when needed; an
// idle thread is used before a new one is started. All functions may be called from any thread.
class ThreadPool {
 public:
  using Job = absl::AnyInvocable<void()>;

  // As many workers as asyncio's default executor has: four more than processors, 32 at most.
  static std::size_t default_max_workers() noexcept;

  // At most `max_workers` threads, called `name`_0, `name`_1 … for the debugger (15 bytes at most).
  // Throws std::invalid_argument for none.
  explicit ThreadPool(std::size_t max_workers = default_max_workers(),
                      std::string_view name = "asyncio");

  // shutdown(), and waits for what was submitted.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Queues a job; `where` names it in messages. The job must not throw. Throws std::runtime_error
  // after shutdown(), std::system_error if no thread can be started and none is there.
  void submit(Job job, std::source_location where = std::source_location::current());

  // No more jobs are accepted; those that were run to their end. Does not wait. Idempotent.
  void shutdown() noexcept;

  // Waits until all jobs have ended, at most for `limit`; whether they have. REQUIRES: shutdown()
  // was called. Not from a job.
  bool wait(Duration limit) const;

  // The jobs that run now, by the place that submitted them: "file:line".
  std::vector<std::string> running_jobs() const;

  // Lets the threads go on without this object, which then waits for nothing. REQUIRES: shutdown()
  // was called.
  void detach() noexcept { state_ = nullptr; }

 private:
  class State;

  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_THREAD_POOL_H_
