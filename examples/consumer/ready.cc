// One layer alone: waits for a pipe to become readable, without an event loop.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "asyncio/selectors/default_selector.h"

int main() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const std::unique_ptr<asyncio::Selector> selector = asyncio::DefaultSelector();
  selector->add(ends[0], asyncio::kEventRead);
  if (!selector->select(std::chrono::milliseconds(0)).empty()) return 1;
  if (write(ends[1], "x", 1) != 1) return 1;
  for (const auto& [key, events] : selector->select(std::chrono::seconds(1))) {
    if (key.fd != ends[0] || events != asyncio::kEventRead) return 1;
    std::puts("the pipe is readable");
    return 0;
  }
  return 1;
}
