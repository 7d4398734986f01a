// How to run a loop inside somebody else's.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"
#include "asyncio/asyncio.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "gtest/gtest.h"

namespace docs_inside_another_loop {
namespace {

using asyncio::Coro;
using asyncio::Duration;
using asyncio::FileDescriptor;
using namespace std::chrono_literals;

// [host]
// poll() counts in milliseconds. Rounded up, or the host would turn in vain until the deadline.
int to_milliseconds(std::optional<Duration> limit) {
  if (!limit.has_value()) return -1;
  return static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(limit->nanoseconds()).count());
}

// The host: hands over what comes through `commands`, and lets `loop` turn, until that is stopped.
void run_host(int commands, absl::FunctionRef<void(char)> command, asyncio::EventLoop& loop) {
  asyncio::GuestRun guest(loop);
  while (!guest.stopped()) {
    std::array<pollfd, 2> watched{};
    watched[0] = {.fd = commands, .events = POLLIN, .revents = 0};
    watched[1] = {.fd = guest.fileno(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(watched.data(), watched.size(), to_milliseconds(guest.wait_limit()));
    if (ready == -1 && asyncio::last_error() != EINTR) {
      asyncio::throw_os_error(asyncio::last_error(), "poll");
    }
    if (ready > 0 && watched[0].revents != 0) {
      char letter = 0;
      if (::read(commands, &letter, 1) == 1) {
        command(letter);
      } else {
        commands = -1;  // its other end is closed; poll() ignores what is negative
      }
    }
    guest.run_once();
  }
}
// [host]

// [main]
// Collects letters until the host has had `wanted` of them.
Coro<std::string> collect(std::size_t wanted, std::string* letters) {
  while (letters->size() < wanted) co_await asyncio::sleep(1ms);
  auto shout = [letters] { return *letters + "!"; };
  co_return co_await asyncio::run_in_executor(nullptr, shout);
}

std::string run_both(int commands, std::size_t wanted) {
  std::string letters;
  asyncio::Runner runner;  // only for its orderly end
  asyncio::EventLoop& loop = runner.get_loop();
  const asyncio::Task<std::string> task = asyncio::create_task(loop, collect, wanted, &letters);
  task.add_done_callback([&loop](const asyncio::AnyFuture&) { loop.stop(); });
  run_host(commands, [&](char letter) { letters += letter; }, loop);
  runner.close();  // ends what is left, as run() does
  return task.result();
}
// [main]

struct Pipe {
  FileDescriptor out;
  FileDescriptor in;
};

Pipe make_pipe() {
  int fds[2];
  asyncio::check(::pipe2(fds, O_CLOEXEC), "pipe2");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

TEST(HostTest, BothLoopsGoOn) {
  const Pipe pipe = make_pipe();
  std::thread user([&] {
    for (const char letter : {'a', 'b', 'c'}) {
      std::this_thread::sleep_for(2ms);
      asyncio::check(::write(pipe.in.get(), &letter, 1), "write");
    }
  });
  EXPECT_EQ(run_both(pipe.out.get(), 3), "abc!");
  user.join();
}

TEST(HostTest, GoesOnWithoutCommands) {
  Pipe pipe = make_pipe();
  pipe.in.close();
  const auto loop = asyncio::new_event_loop();
  loop->call_later(5ms, [&] { loop->stop(); });
  run_host(pipe.out.get(), [](char) { FAIL(); }, *loop);
  loop->close();
}

TEST(HostTest, APostWakesTheHostAndStopEndsIt) {
  const Pipe pipe = make_pipe();
  const auto loop = asyncio::new_event_loop();
  std::thread other([&] { loop->call_soon_threadsafe([&] { loop->stop(); }); });
  run_host(pipe.out.get(), [](char) { FAIL(); }, *loop);
  other.join();
  loop->close();
}

TEST(HostTest, TheLoopIsTheRunningOneForTheHostsCallbacks) {
  const Pipe pipe = make_pipe();
  const auto loop = asyncio::new_event_loop();
  asyncio::check(::write(pipe.in.get(), "x", 1), "write");
  run_host(
      pipe.out.get(),
      [](char) {
        asyncio::EventLoop& running = asyncio::get_running_loop();
        running.call_soon([&running] { running.stop(); });
      },
      *loop);
  loop->close();
}

}  // namespace
}  // namespace docs_inside_another_loop
