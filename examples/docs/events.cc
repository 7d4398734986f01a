// The loop without coroutines.

// [program]
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/policy.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"

using namespace std::chrono_literals;

const asyncio::ContextVar<std::string> user("user", "nobody");

int main() {
  int fds[2];
  asyncio::check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                 "socketpair");
  const asyncio::FileDescriptor here(fds[0]), there(fds[1]);

  const std::unique_ptr<asyncio::EventLoop> loop = asyncio::new_event_loop();
  loop->add_reader(here.get(), [&] {
    std::array<char, 16> block;
    const auto count = asyncio::check(::read(here.get(), block.data(), block.size()), "read");
    std::printf("received %zd bytes\n", count);
    loop->remove_reader(here.get());
    loop->stop();
  });
  loop->add_signal_handler(SIGTERM, [&] { loop->stop(); });

  user.set("ada");  // for what is scheduled from here on
  asyncio::TimerHandle slow = loop->call_later(1h, [] { std::printf("too slow\n"); });
  loop->call_later(10ms, [&] {
    std::printf("10 ms have passed for %s\n", user.get().c_str());
    slow.cancel();
    asyncio::check(::write(there.get(), "hello", 5), "write");
  });
  std::thread worker(
      [&] { loop->call_soon_threadsafe([] { std::printf("another thread was here\n"); }); });

  loop->run_forever();
  worker.join();
  loop->close();
}
// [program]
