// Lets a test act at the very moment when another thread has gone to sleep, instead of hoping.

#ifndef ASYNCIO_EVENTS_TEST_THREAD_STATE_H_
#define ASYNCIO_EVENTS_TEST_THREAD_STATE_H_

#include <sys/types.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

namespace asyncio {

// The kernel's number of the calling thread.
inline pid_t this_thread_number() { return ::gettid(); }

// Whether that thread of this process sleeps in a system call.
inline bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end, 3, ") S") == 0;
}

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TEST_THREAD_STATE_H_
