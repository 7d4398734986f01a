#include "asyncio/events/block_pool.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace asyncio::internal {
namespace {

TEST(BlockPoolTest, EveryByteOfABlockOfAnySizeMayBeUsed) {
  for (std::size_t size = 0; size <= 4200; ++size) {
    void* block = allocate_block(size);
    std::memset(block, 0xAB, size);
    deallocate_block(block, size);
  }
}

TEST(BlockPoolTest, BlocksAreAlignedAsOperatorNewAligns) {
  for (std::size_t size = 1; size <= 4200; size += 7) {
    void* block = allocate_block(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0U);
    deallocate_block(block, size);
  }
}

TEST(BlockPoolTest, BlocksInUseDoNotOverlap) {
  constexpr std::size_t kCount = 500;
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (int round = 0; round < 2; ++round) {  // from the heap, then from the pool
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t size = 1 + i * 37 % 2500;
      auto* block = static_cast<unsigned char*>(allocate_block(size));
      std::fill_n(block, size, static_cast<unsigned char>(i));
      blocks.emplace_back(block, size);
    }
    for (std::size_t i = 0; i < kCount; ++i) {
      const auto [block, size] = blocks[i];
      EXPECT_EQ(
          static_cast<std::size_t>(std::count(block, block + size, static_cast<unsigned char>(i))),
          size);
      deallocate_block(block, size);
    }
    blocks.clear();
  }
}

TEST(BlockPoolTest, ABlockMayBeFreedOnAnotherThread) {
  std::vector<void*> blocks;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) {
      blocks.push_back(allocate_block(100));
      std::memset(blocks.back(), 0xCD, 100);
    }
  }).join();
  for (void* block : blocks) deallocate_block(block, 100);
  for (void*& block : blocks) {
    block = allocate_block(100);
    std::memset(block, 0xEF, 100);
  }
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  for (void* block : blocks) deallocate_block(block, 100);
}

TEST(BlockPoolTest, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  std::vector<int> failures(4);
  for (std::size_t t = 0; t < failures.size(); ++t) {
    threads.emplace_back([&, t] {
      std::vector<unsigned char*> blocks;
      for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < 20; ++i) {
          blocks.push_back(static_cast<unsigned char*>(allocate_block(200)));
          std::memset(blocks.back(), static_cast<int>(t), 200);
        }
        for (unsigned char* block : blocks) {
          failures[t] += std::count(block, block + 200, static_cast<unsigned char>(t)) != 200;
          deallocate_block(block, 200);
        }
        blocks.clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4));
}

class Small : public Pooled {
 public:
  virtual ~Small() = default;
};

class Large : public Small {
 public:
  std::string text = "kept";
  char bytes[300] = {};
};

TEST(BlockPoolTest, APooledObjectMayBeDeletedThroughItsBase) {
  for (int i = 0; i < 3; ++i) {
    std::unique_ptr<Small> object = std::make_unique<Large>();
    EXPECT_EQ(static_cast<Large&>(*object).text, "kept");
    object = std::make_unique<Small>();
  }
}

}  // namespace
}  // namespace asyncio::internal
