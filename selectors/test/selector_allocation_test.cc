// A warm selector does not touch the heap. Alone in its program because it replaces operator new,
// or where a sanitizer has done that already listens to it.

#include <sys/eventfd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define ASYNCIO_SANITIZER_OWNS_THE_HEAP
#endif
#endif

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gtest/gtest.h"
#include "selectors/test/every_selector.h"

static std::atomic<std::size_t> allocations = 0;

#ifdef ASYNCIO_SANITIZER_OWNS_THE_HEAP

static void count_allocation(const volatile void*, std::size_t) { ++allocations; }
static void ignore_release(const volatile void*) {}
static const int counting =
    __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_release);

#else

// Never inlined, lest g++ see malloc() paired with delete, or new with free().
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

namespace asyncio {
namespace {

using namespace std::chrono_literals;

class SelectorAllocationTest : public EverySelectorTest {
 protected:
  SelectorAllocationTest() {
    for (FileDescriptor& fd : fds_) {
      fd.reset(check(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    }
  }

  void use() {
    for (const FileDescriptor& fd : fds_) selector_->add(fd.get(), kEventRead);
    ASSERT_EQ(selector_->select(1h).size(), fds_.size());
    ASSERT_EQ(selector_->select(1ms).size(), fds_.size());
    ASSERT_EQ(selector_->select().size(), fds_.size());
    for (const FileDescriptor& fd : fds_) selector_->modify(fd.get(), kEventWrite, this);
    ASSERT_EQ(selector_->select(0s).size(), fds_.size());
    for (const FileDescriptor& fd : fds_) selector_->remove(fd.get());
    ASSERT_EQ(selector_->select(0s).size(), 0U);
  }

  std::array<FileDescriptor, 100> fds_;
};

TEST(AllocationCountTest, Counts) {
  const std::size_t before = allocations;
  const auto memory = std::make_unique<volatile int>(0);
  EXPECT_GT(allocations, before);
}

INSTANTIATE_TEST_SUITE_P(, SelectorAllocationTest, every_selector(), kind_name);

TEST_P(SelectorAllocationTest, WorksWithoutTheHeapOnceWarm) {
  use();
  const std::size_t before = allocations;
  for (int i = 0; i < 10; ++i) use();
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace asyncio
