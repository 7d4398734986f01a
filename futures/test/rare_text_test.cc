#include "asyncio/futures/rare_text.h"

#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace asyncio::internal {
namespace {

TEST(RareTextTest, TakesAPointerWhileThereIsNone) {
  const RareText none;
  EXPECT_FALSE(none.has_value());
  EXPECT_EQ(none.copy(), std::nullopt);
  EXPECT_FALSE(RareText(std::nullopt).has_value());
  static_assert(sizeof(RareText) == sizeof(void*));
}

TEST(RareTextTest, AnEmptyTextIsOne) {
  const RareText empty(std::string{});
  EXPECT_TRUE(empty.has_value());
  EXPECT_EQ(empty.copy(), "");
}

TEST(RareTextTest, MovingLeavesNoneBehind) {
  RareText text(std::string("a text too long for a small string"));
  EXPECT_EQ(*text, "a text too long for a small string");
  const RareText other = std::exchange(text, RareText());
  EXPECT_FALSE(text.has_value());
  EXPECT_EQ(other.copy(), "a text too long for a small string");
}

}  // namespace
}  // namespace asyncio::internal
