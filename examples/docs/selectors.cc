// A program that needs the readiness of descriptors, and neither loops nor coroutines.

// [program]
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"

// Two sockets that are connected to each other.
struct Pair {
  asyncio::FileDescriptor client;
  asyncio::FileDescriptor server;
  std::size_t echoed = 0;
};

Pair connect() {
  int fds[2];
  asyncio::check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                 "socketpair");
  return {asyncio::FileDescriptor(fds[0]), asyncio::FileDescriptor(fds[1])};
}

// Sends back what has arrived. False at the end of the stream.
bool echo(Pair& pair) {
  std::array<char, 1024> block;
  const int fd = pair.server.get();
  const ssize_t received =
      asyncio::retry_on_interrupt([&] { return ::read(fd, block.data(), block.size()); });
  const auto count = static_cast<std::size_t>(asyncio::check(received, "read"));
  asyncio::check(::write(fd, block.data(), count), "write");
  pair.echoed += count;
  return count != 0;
}

int main() {
  std::array<Pair, 2> pairs = {connect(), connect()};
  const std::unique_ptr<asyncio::Selector> selector = asyncio::DefaultSelector();
  for (Pair& pair : pairs) {
    selector->add(pair.server.get(), asyncio::kEventRead, &pair);
    asyncio::check(::write(pair.client.get(), "hello", 5), "write");
    asyncio::check(::shutdown(pair.client.get(), SHUT_WR), "shutdown");
  }
  while (!selector->get_map().empty()) {
    std::vector<int> finished;
    for (const asyncio::ReadyKey& ready : selector->select()) {
      if (!echo(*static_cast<Pair*>(ready.key.data))) finished.push_back(ready.key.fd);
    }
    for (const int fd : finished) selector->remove(fd);
  }
  std::printf("echoed %zu and %zu bytes\n", pairs[0].echoed, pairs[1].echoed);
  return pairs[0].echoed == 5 && pairs[1].echoed == 5 ? 0 : 1;
}
// [program]
