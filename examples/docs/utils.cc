// [program]
#include <chrono>
#include <cstdio>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"

using asyncio::Coro;
using namespace std::chrono_literals;

// A page arrives after as many milliseconds as its name is long.
Coro<std::string> fetch(std::string name) {
  if (name.empty()) throw std::runtime_error("a page without a name");
  co_await asyncio::sleep(std::chrono::milliseconds(name.size()));
  co_return "page " + name;
}

Coro<> fetch_all(std::vector<std::string> names) {
  auto pages = co_await asyncio::gather(names | std::views::transform(fetch));
  std::printf("%zu pages, the first is %s\n", pages.size(), pages[0].c_str());

  auto arriving = asyncio::as_completed(names | std::views::transform(fetch), 10s);
  while (std::optional<asyncio::Task<std::string>> task = co_await arriving.next()) {
    std::printf("%s\n", task->result().c_str());
  }
}

Coro<> fetch_in_a_group() {
  try {
    co_await asyncio::with(asyncio::timeout(10s), asyncio::TaskGroup(), [](auto&, auto& group) {
      group.create_task(fetch("a page that will not be needed"));
      group.create_task(fetch(""));
    });
  } catch (const asyncio::ExceptionGroup& group) {
    std::printf("%s\n", group.what());
  }
}

Coro<> run_all() {
  std::vector<std::string> names = {"three", "of", "them"};
  co_await fetch_all(std::move(names));
  co_await fetch_in_a_group();
  try {
    co_await asyncio::wait_for(asyncio::sleep(1h), 1ms);
  } catch (const asyncio::TimeoutError&) {
    std::puts("too late");
  }
}

int main() { asyncio::run(run_all()); }
// [program]
