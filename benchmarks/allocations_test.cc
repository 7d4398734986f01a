// Once warm, the hot paths ask the heap for nothing.
//
// What a test measures is the difference between many repetitions and twice as many, so that what
// starting and ending a repetition costs does not count.

#include "benchmarks/allocations.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "asyncio/asyncio.h"
#include "benchmarks/operations.h"

namespace benchmarks {
namespace {

using asyncio::Coro;

constexpr int kMany = 500;

Repeat operation_named(std::string_view name) {
  for (const Operation& operation : operations()) {
    if (operation.name == name) return operation.asyncio;
  }
  return nullptr;
}

std::int64_t allocations_of(Repeat repeat, int count) {
  const std::int64_t before = allocations();
  repeat(count);
  return allocations() - before;
}

class WarmOperation : public ::testing::TestWithParam<const char*> {};

TEST_P(WarmOperation, AllocatesNothing) {
  const Repeat repeat = operation_named(GetParam());
  ASSERT_NE(repeat, nullptr);
  repeat(2 * kMany);
  EXPECT_EQ(allocations_of(repeat, 2 * kMany) - allocations_of(repeat, kMany), 0);
}

INSTANTIATE_TEST_SUITE_P(HotPaths, WarmOperation,
                         ::testing::Values("call_soon", "yield", "spawn_join", "await_ready",
                                           "await_chain", "await_done", "ping_pong",
                                           "queue_put_get", "queue_stream", "queue_ping_pong",
                                           "lock", "lock_contended", "cancel_sleep",
                                           "cancel_unseen", "sleep", "timer_fire", "timer_cancel",
                                           "timer_pair"),
                         [](const auto& info) { return info.param; });

Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  std::array<char, 64> buffer;
  while (const std::size_t size = co_await reader.read_into(buffer)) {
    writer.write({buffer.data(), size});
    co_await writer.drain();
  }
}

Coro<> exchange(const asyncio::StreamReader* reader, const asyncio::StreamWriter* writer,
                int count) {
  std::array<char, 64> message{};
  for (int i = 0; i < count; ++i) {
    writer->write({message.data(), message.size()});
    co_await writer->drain();
    for (std::span<char> rest(message); !rest.empty();) {
      rest = rest.subspan(co_await reader->read_into(rest));
    }
  }
}

// How often `count` echoes allocate, on both sides together.
Coro<std::int64_t> allocations_of_echoes(const asyncio::StreamReader* reader,
                                         const asyncio::StreamWriter* writer, int count) {
  const std::int64_t before = allocations();
  co_await exchange(reader, writer, count);
  co_return allocations() - before;
}

Coro<std::int64_t> allocations_once_warm() {
  const asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0);
  const auto [reader, writer] =
      co_await asyncio::open_connection("127.0.0.1", server.sockets()[0].getsockname().port());
  co_await allocations_of_echoes(&reader, &writer, kMany);
  co_return co_await allocations_of_echoes(&reader, &writer, kMany);
}

TEST(Streams, AWarmEchoAllocatesNothing) { EXPECT_EQ(asyncio::run(allocations_once_warm()), 0); }

}  // namespace
}  // namespace benchmarks
