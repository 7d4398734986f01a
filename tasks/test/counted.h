// An object that counts its instances and notices when it is copied behind its back.
#ifndef TASKS_TEST_COUNTED_H_
#define TASKS_TEST_COUNTED_H_

#include <memory>
#include <utility>

#include "gtest/gtest.h"

namespace asyncio {

struct Counts {
  int alive = 0;
  int made = 0;  // by whatever constructor
  int copied = 0;
  int moved = 0;
};

// Not trivially copyable and owning memory, so that sanitizers also see a double destruction.
class Counted {
 public:
  explicit Counted(Counts& counts, int value = 0)
      : counts_(&counts), self_(this), value_(std::make_unique<int>(value)) {
    ++counts.made;
    ++counts.alive;
  }
  Counted(const Counted& other) : Counted(*other.counts_, other.value()) { ++counts_->copied; }
  Counted(Counted&& other) noexcept : Counted(*other.counts_, other.value()) { ++counts_->moved; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    EXPECT_EQ(self_, this) << "copied bit by bit";
    --counts_->alive;
  }

  int value() const {
    EXPECT_EQ(self_, this) << "copied bit by bit";
    return *value_;
  }

 private:
  Counts* counts_;
  const Counted* self_;
  std::unique_ptr<int> value_;
};

}  // namespace asyncio

#endif  // TASKS_TEST_COUNTED_H_
