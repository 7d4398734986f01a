#include "asyncio/events/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <deque>
#include <list>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace asyncio {
namespace {

struct QueuedJob {
  ThreadPool::Job job;
  std::source_location where;
};

void name_this_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

// Threads run detached and share this, so that a pool need not outlive a job that hangs.
class ThreadPool::State : public std::enable_shared_from_this<State> {
 public:
  State(std::size_t max_workers, std::string_view name) : max_workers_(max_workers), name_(name) {}

  void submit(QueuedJob job) ABSL_LOCKS_EXCLUDED(mutex_);
  void shutdown() noexcept ABSL_LOCKS_EXCLUDED(mutex_);
  bool wait(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> running_jobs() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void start_worker() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void work() ABSL_LOCKS_EXCLUDED(mutex_);
  void run_next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool has_work() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return shut_down_ || !queue_.empty();
  }
  bool has_ended() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return workers_ == 0; }

  const std::size_t max_workers_;
  const std::string name_;
  absl::Mutex mutex_;
  std::deque<QueuedJob> queue_ ABSL_GUARDED_BY(mutex_);
  std::list<std::source_location> running_ ABSL_GUARDED_BY(mutex_);
  std::size_t workers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

// An idle thread counts for one queued job only.
void ThreadPool::State::submit(QueuedJob job) {
  absl::MutexLock lock(&mutex_);
  if (shut_down_) throw std::runtime_error("cannot schedule new futures after shutdown");
  queue_.push_back(std::move(job));
  if (idle_ >= queue_.size() || workers_ == max_workers_) return;
  try {
    start_worker();
  } catch (const std::system_error&) {
    if (workers_ > 0) return;
    queue_.pop_back();
    throw;
  }
}

void ThreadPool::State::start_worker() {
  std::thread([self = shared_from_this(), name = absl::StrCat(name_, "_", workers_)] {
    name_this_thread(name);
    self->work();
  }).detach();
  ++workers_;
}

void ThreadPool::State::work() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    ++idle_;
    mutex_.Await(absl::Condition(this, &State::has_work));
    --idle_;
    if (queue_.empty()) break;
    run_next();
  }
  --workers_;
}

// Called with the lock held, which is given up while the job runs and while it is destroyed.
void ThreadPool::State::run_next() {
  QueuedJob next = std::move(queue_.front());
  queue_.pop_front();
  const auto place = running_.insert(running_.end(), next.where);
  mutex_.Unlock();
  next.job();
  next.job = nullptr;
  mutex_.Lock();
  running_.erase(place);
}

void ThreadPool::State::shutdown() noexcept {
  absl::MutexLock lock(&mutex_);
  shut_down_ = true;
}

bool ThreadPool::State::wait(absl::Duration limit) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(this, &State::has_ended), limit);
}

std::vector<std::string> ThreadPool::State::running_jobs() {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> jobs;
  for (const std::source_location& where : running_) {
    jobs.push_back(absl::StrCat(where.file_name(), ":", where.line()));
  }
  return jobs;
}

std::size_t ThreadPool::default_max_workers() noexcept {
  return std::min(32u, std::thread::hardware_concurrency() + 4);
}

ThreadPool::ThreadPool(std::size_t max_workers, std::string_view name)
    : state_(std::make_shared<State>(max_workers, name)) {
  if (max_workers == 0) throw std::invalid_argument("max_workers must be greater than 0");
}

ThreadPool::~ThreadPool() {
  if (state_ == nullptr) return;
  shutdown();
  wait(Duration::infinite());
}

void ThreadPool::submit(Job job, std::source_location where) {
  state_->submit({std::move(job), where});
}

void ThreadPool::shutdown() noexcept { state_->shutdown(); }

bool ThreadPool::wait(Duration limit) const {
  return state_->wait(limit.is_infinite() ? absl::InfiniteDuration()
                                          : absl::FromChrono(limit.nanoseconds()));
}

std::vector<std::string> ThreadPool::running_jobs() const { return state_->running_jobs(); }

}  // namespace asyncio
