#include "asyncio/transports/byte_buffer.h"

#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

// Whether the bytes live in the buffer object itself: then nothing is held on the heap.
bool holds_heap_memory(const ByteBuffer& buffer) {
  const char* object = reinterpret_cast<const char*>(&buffer);
  const char* bytes = buffer.view().data();
  return std::less<>()(bytes, object) || !std::less<>()(bytes, object + sizeof buffer);
}

TEST(ByteBufferTest, ANewBufferIsEmptyAndHoldsNoHeapMemory) {
  const ByteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(buffer.view(), "");
  EXPECT_FALSE(holds_heap_memory(buffer));
}

TEST(ByteBufferTest, BytesLeaveInTheOrderInWhichTheyCame) {
  ByteBuffer buffer;
  buffer.append("hello ");
  buffer.append("world");
  EXPECT_EQ(buffer.view(), "hello world");
  EXPECT_EQ(buffer.take(6), "hello ");
  EXPECT_EQ(buffer.size(), 5u);
  buffer.append("!");
  buffer.consume(1);
  EXPECT_EQ(buffer.view(), "orld!");
  EXPECT_EQ(buffer.take(5), "orld!");
  EXPECT_TRUE(buffer.empty());
}

TEST(ByteBufferTest, ConsumingMovesNoBytes) {
  ByteBuffer buffer;
  buffer.append(std::string(5000, 'x') + "end");
  const char* first = buffer.view().data();
  buffer.consume(5000);
  EXPECT_EQ(buffer.view().data(), first + 5000);
  EXPECT_EQ(buffer.view(), "end");
}

TEST(ByteBufferTest, WhatWasTakenCanGoBackInFront) {
  ByteBuffer buffer;
  buffer.append("abcdef");
  const std::string taken = buffer.take(3);
  buffer.append("gh");
  buffer.prepend(taken);
  EXPECT_EQ(buffer.view(), "abcdefgh");
  buffer.prepend("longer than what was consumed: ");
  EXPECT_EQ(buffer.view(), "longer than what was consumed: abcdefgh");
  buffer.clear();
  buffer.prepend("into the empty one");
  EXPECT_EQ(buffer.view(), "into the empty one");
}

TEST(ByteBufferTest, TheMemoryOfALargeMessageIsGivenBackWhenTheBufferIsEmpty) {
  ByteBuffer buffer;
  buffer.append(std::string(1 << 20, 'x'));
  EXPECT_TRUE(holds_heap_memory(buffer));
  buffer.consume(1 << 20);
  EXPECT_FALSE(holds_heap_memory(buffer));

  buffer.append(std::string(1 << 20, 'x'));
  buffer.clear();
  EXPECT_FALSE(holds_heap_memory(buffer));
}

TEST(ByteBufferTest, TheMemoryOfASmallMessageIsKeptForTheNext) {
  ByteBuffer buffer;
  buffer.append(std::string(500, 'x'));
  const char* bytes = buffer.view().data();
  buffer.consume(500);
  EXPECT_EQ(buffer.view().data(), bytes);
}

TEST(ByteBufferTest, AQueueThatIsNeverEmptyDoesNotGrow) {
  ByteBuffer buffer;
  buffer.append("0123456789");
  const char* lowest = nullptr;
  const char* highest = nullptr;
  for (int i = 0; i < 100'000; ++i) {
    buffer.append("0123456789");
    EXPECT_EQ(buffer.take(10), "0123456789");
    if (i == 1000) lowest = highest = buffer.view().data();
    if (i < 1000) continue;
    if (std::less<>()(buffer.view().data(), lowest)) lowest = buffer.view().data();
    if (std::less<>()(highest, buffer.view().data())) highest = buffer.view().data();
  }
  EXPECT_LT(highest - lowest, 1000);
}

TEST(ByteBufferTest, AnyOrderOfOperationsAgreesWithAPlainString) {
  std::mt19937 random(7);
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = random() % 3000;
    switch (random() % 5) {
      case 0:
      case 1: {
        const std::string data(size, static_cast<char>('a' + i % 26));
        buffer.append(data);
        expected += data;
        break;
      }
      case 2: {
        const std::string data(size % 50, static_cast<char>('A' + i % 26));
        buffer.prepend(data);
        expected.insert(0, data);
        break;
      }
      case 3: {
        const std::size_t some = size < expected.size() ? size : expected.size();
        EXPECT_EQ(buffer.take(some), expected.substr(0, some));
        expected.erase(0, some);
        break;
      }
      default: {
        const std::size_t some = size < expected.size() ? size : expected.size();
        buffer.consume(some);
        expected.erase(0, some);
      }
    }
    ASSERT_EQ(buffer.view(), expected);
    ASSERT_EQ(buffer.empty(), expected.empty());
  }
}

}  // namespace
}  // namespace asyncio
