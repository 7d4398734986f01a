#include "asyncio/selectors/process_stamp.h"

#include <pthread.h>

namespace asyncio {

ProcessStamp::ProcessStamp() noexcept : forks_(forks_so_far_) {
  // Once a process; children inherit the handler. It fails for lack of memory only, and then forks
  // go unnoticed.
  [[maybe_unused]] static const int watching = pthread_atfork(nullptr, nullptr, &count_fork);
}

}  // namespace asyncio
