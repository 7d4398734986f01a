// A program that was written in Python first.

// [program]
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "asyncio/asyncio.h"

using asyncio::Coro;
using namespace std::chrono_literals;

Coro<std::string> fetch(std::string name, double seconds) {
  co_await asyncio::sleep(std::chrono::duration<double>(seconds));
  if (name == "bad") throw std::invalid_argument(name);
  co_return "page of " + name;
}

Coro<> program() {
  std::vector<asyncio::Task<std::string>> tasks;
  for (const char* name : {"one", "bad", "two"}) {
    tasks.push_back(asyncio::create_task(fetch(name, 0.01)));
  }
  for (const auto& task : tasks) {
    try {
      std::puts((co_await task).c_str());
    } catch (const std::invalid_argument& error) {
      std::printf("failed: %s\n", error.what());
    }
  }
  try {
    co_await asyncio::with(asyncio::timeout(50ms),
                           [](asyncio::Timeout&) { return fetch("slow", 3600); });
  } catch (const asyncio::TimeoutError&) {
    std::puts("timed out");
  }
}

int main() { asyncio::run(program()); }
// [program]
