// How to find what holds a loop up.

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "absl/strings/match.h"
#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_blocked_loop {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

std::atomic<bool> reported{false};

// A mistake: nothing else runs until somebody has noticed.
Coro<> answer_clients() {
  co_await asyncio::sleep(1ms);
  while (!reported) std::this_thread::sleep_for(1ms);
}

// [watchdog]
// Whatever holds the loop up for 50 ms is written to the log while it does.
Coro<> serve() {
  const asyncio::Watchdog watchdog(asyncio::get_running_loop(), 50ms);
  co_await answer_clients();
}
// [watchdog]

// [debug]
// Whatever has held the loop up for 100 ms is written to the log afterwards.
void serve_in_debug_mode() { asyncio::run(serve(), {.debug = true}); }
// [debug]

TEST(BlockedLoopTest, IsReportedWhileItIsBlockedAndAfterwards) {
  std::string log;
  asyncio::set_log_sink([&](asyncio::LogSeverity, std::string_view message) {
    log.append(message).append("\n");
    if (!absl::StartsWith(message, "the event loop has been blocked for")) return;
    std::this_thread::sleep_for(60ms);  // so that the step takes 100 ms at least
    reported = true;
  });
  serve_in_debug_mode();
  asyncio::set_log_sink(nullptr);
  EXPECT_TRUE(absl::StrContains(log, " seconds by <Task 'Task-")) << log;
  EXPECT_TRUE(absl::StrContains(log, "suspended at examples/docs/blocked_loop.cc:")) << log;
  EXPECT_TRUE(absl::StrContains(log, "Executing <Task 'Task-")) << log;
}

}  // namespace
}  // namespace docs_blocked_loop
