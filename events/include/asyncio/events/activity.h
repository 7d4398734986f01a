// What a loop is doing: the callback or task step that it runs, as reports name it.
//
// Copied before each callback while somebody watches (debug mode, a Watchdog), because the callback
// may be gone when there is something to report: no allocation, text only on demand.
#ifndef ASYNCIO_EVENTS_ACTIVITY_H_
#define ASYNCIO_EVENTS_ACTIVITY_H_

#include <array>
#include <source_location>
#include <string>
#include <string_view>

namespace asyncio {

struct Activity {
  const char* kind = "Handle";          // Python's class name
  std::array<char, 48> name = {};       // a task's, cut off; empty: it has none
  std::source_location created = {};    // who asked for it; line 0: unknown
  std::source_location suspended = {};  // where a task waited before this step; line 0: no task

  void set_name(std::string_view text) noexcept;
};

// "<Task 'Task-7' created at main.cc:12, suspended at worker.cc:40>"
std::string to_string(const Activity& activity);

// "main.cc:12"; "unknown place" for line 0.
std::string to_string(const std::source_location& place);

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_ACTIVITY_H_
