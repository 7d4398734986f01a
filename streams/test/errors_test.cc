#include "asyncio/streams/errors.h"

#include <optional>
#include <stdexcept>
#include <string>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

TEST(IncompleteReadErrorTest, SaysHowMuchThereWasAndHowMuchWasExpected) {
  const IncompleteReadError error("abc", 10);
  EXPECT_EQ(error.partial(), "abc");
  EXPECT_EQ(error.expected(), 10u);
  EXPECT_STREQ(error.what(), "3 bytes read on a total of 10 expected bytes");
}

TEST(IncompleteReadErrorTest, WithoutAnExpectedNumberItIsUndefined) {
  const IncompleteReadError error("", std::nullopt);
  EXPECT_EQ(error.partial(), "");
  EXPECT_EQ(error.expected(), std::nullopt);
  EXPECT_STREQ(error.what(), "0 bytes read on a total of undefined expected bytes");
}

TEST(IncompleteReadErrorTest, ACopyKeepsWhatThereWas) {
  const IncompleteReadError error(std::string(1000, 'x'), 2000);
  const IncompleteReadError copy = error;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.partial(), std::string(1000, 'x'));
}

TEST(LimitOverrunErrorTest, SaysHowManyBytesAreToBeConsumed) {
  const LimitOverrunError error("too long", 7);
  EXPECT_EQ(error.consumed(), 7u);
  EXPECT_STREQ(error.what(), "too long");
}

TEST(StreamErrorsTest, AreRuntimeErrors) {
  EXPECT_THROW(throw IncompleteReadError("", 1), std::runtime_error);
  EXPECT_THROW(throw LimitOverrunError("", 1), std::runtime_error);
}

}  // namespace
}  // namespace asyncio
