// Who holds which lock, since which line, and who waits for it: for reports about a standstill.
//
// A lock belongs to nobody and keeps no such thing. It is recorded beside the locks, and only while
// a LockRecorder exists; otherwise a lock pays for one look at a flag.
#ifndef ASYNCIO_SYNC_LOCK_RECORDER_H_
#define ASYNCIO_SYNC_LOCK_RECORDER_H_

#include <atomic>
#include <source_location>
#include <vector>

#include "asyncio/sync/wait_queue.h"
#include "asyncio/tasks/task.h"

namespace asyncio {

struct HeldLock {
  // The task that acquired it, done or not: whoever acquires need not be who releases.
  AnyTask holder;

  // Where that was: the lines of its co_awaits then, the innermost first.
  std::vector<std::source_location> acquired;

  // The tasks in the line for it, first come first.
  std::vector<AnyTask> waiting;
};

// While there is one in a thread, what its tasks acquire and release is recorded there. There may
// be several.
class LockRecorder {
 public:
  LockRecorder() noexcept;
  ~LockRecorder();

  LockRecorder(const LockRecorder&) = delete;
  LockRecorder& operator=(const LockRecorder&) = delete;

  // What is held of that which has been acquired in this thread since the recording began, in order
  // of acquisition.
  static std::vector<HeldLock> held_locks();

  // For locks, which are known by their lines. Whether anything is recorded, in any thread.
  static bool recording() noexcept { return recorders_.load(std::memory_order_relaxed) > 0; }
  static void acquired(const WaitQueue& line);
  static void released(const WaitQueue& line) noexcept;

 private:
  static inline constinit std::atomic<int> recorders_ = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_LOCK_RECORDER_H_
