#include "asyncio/events/thread_pool.h"

#include <system_error>
#include <utility>

namespace asyncio {

ThreadPool::~ThreadPool() {
  std::vector<std::thread> workers;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) worker.join();
}

// An idle thread counts for one queued job only.
void ThreadPool::submit(Job job) {
  absl::MutexLock lock(&mutex_);
  jobs_.push_back(std::move(job));
  if (idle_ >= jobs_.size() || workers_.size() == max_workers_) return;
  try {
    workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (!workers_.empty()) return;
    jobs_.pop_back();
    throw;
  }
}

void ThreadPool::work() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    ++idle_;
    mutex_.Await(absl::Condition(this, &ThreadPool::has_work));
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    mutex_.Unlock();
    job();
    job = nullptr;
    mutex_.Lock();
  }
}

}  // namespace asyncio
