// Forms that g++ 12 compiles correctly, for those that it does not.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"
#include "gtest/gtest.h"

namespace docs_gcc12 {
namespace {

using asyncio::Coro;
using namespace std::chrono_literals;

struct Point {
  std::string name;
  int x;
};

Coro<std::string> name_of(int number) {
  co_await asyncio::sleep(0s);
  co_return std::string(100, static_cast<char>('a' + number));
}

Coro<std::size_t> count(std::vector<std::string> words) {
  co_await asyncio::sleep(0s);
  co_return words.size();
}

// [lambda]
Coro<std::size_t> name_the_lambda(std::string text) {
  auto body = [text](asyncio::Timeout&) -> Coro<std::size_t> {
    co_await asyncio::sleep(1ms);
    co_return text.size();
  };
  co_return co_await asyncio::with(asyncio::timeout(1s), body);
}
// [lambda]

// [by_reference]
Coro<std::size_t> capture_by_reference(std::string text) {
  co_return co_await asyncio::with(asyncio::timeout(1s),
                                   [&](asyncio::Timeout&) -> Coro<std::size_t> {
                                     co_await asyncio::sleep(1ms);
                                     co_return text.size();
                                   });
}
// [by_reference]

// [aggregate]
Coro<std::size_t> name_what_was_awaited() {
  std::string name = co_await name_of(0);
  const Point point{std::move(name), 1};
  co_return point.name.size();
}
// [aggregate]

// [choice]
Coro<std::string> choose_with_if(bool first) {
  std::string name;
  if (first) {
    name = co_await name_of(0);
  } else {
    name = co_await name_of(1);
  }
  co_return name;
}
// [choice]

// [list]
Coro<std::size_t> name_the_list() {
  std::vector<std::string> words{"one", "two"};
  co_return co_await count(std::move(words));
}
// [list]

// [new]
Coro<std::size_t> make_unique_instead_of_new() {
  const auto name = std::make_unique<std::string>(co_await name_of(2));
  co_return name->size();
}
// [new]

TEST(Gcc12Test, CompilesTheseCorrectly) {
  const std::string text(1000, 'x');
  EXPECT_EQ(asyncio::run(name_the_lambda(text)), 1000u);
  EXPECT_EQ(asyncio::run(capture_by_reference(text)), 1000u);
  EXPECT_EQ(asyncio::run(name_what_was_awaited()), 100u);
  EXPECT_EQ(asyncio::run(choose_with_if(true)), std::string(100, 'a'));
  EXPECT_EQ(asyncio::run(choose_with_if(false)), std::string(100, 'b'));
  EXPECT_EQ(asyncio::run(name_the_list()), 2u);
  EXPECT_EQ(asyncio::run(make_unique_instead_of_new()), 100u);
}

}  // namespace
}  // namespace docs_gcc12
