#include "asyncio/sync/lock_recorder.h"

#include <utility>

#include "asyncio/events/runnable.h"
#include "asyncio/tasks/promise_base.h"
#include "asyncio/tasks/task_core.h"

namespace asyncio {
namespace {

struct Record {
  const WaitQueue* line;
  AnyTask holder;
  std::vector<std::source_location> acquired;
};

// Of one thread.
struct Records {
  int recorders = 0;
  std::vector<Record> held;
};

Records& records() {
  static thread_local Records records;
  return records;
}

std::vector<std::source_location> call_stack_of(const AnyTask& task) {
  std::vector<std::source_location> stack;
  const internal::PromiseBase* frame = task.core().leaf();
  for (; frame != nullptr; frame = frame->parent()) stack.push_back(frame->place());
  return stack;
}

// Only tasks stand in the line for a lock.
std::vector<AnyTask> tasks_in(const WaitQueue& line) {
  std::vector<AnyTask> tasks;
  for (Runnable* const sleeper : line.sleepers())
    tasks.emplace_back(dynamic_cast<internal::TaskCore&>(*sleeper));
  return tasks;
}

}  // namespace

LockRecorder::LockRecorder() noexcept {
  ++records().recorders;
  recorders_.fetch_add(1, std::memory_order_relaxed);
}

LockRecorder::~LockRecorder() {
  recorders_.fetch_sub(1, std::memory_order_relaxed);
  if (--records().recorders == 0) records().held.clear();
}

std::vector<HeldLock> LockRecorder::held_locks() {
  std::vector<HeldLock> locks;
  for (const Record& record : records().held)
    locks.push_back({record.holder, record.acquired, tasks_in(*record.line)});
  return locks;
}

void LockRecorder::acquired(const WaitQueue& line) {
  if (records().recorders == 0) return;
  AnyTask holder = *current_task();
  std::vector<std::source_location> stack = call_stack_of(holder);
  records().held.push_back({&line, std::move(holder), std::move(stack)});
}

void LockRecorder::released(const WaitQueue& line) noexcept {
  std::erase_if(records().held, [&](const Record& record) { return record.line == &line; });
}

}  // namespace asyncio
