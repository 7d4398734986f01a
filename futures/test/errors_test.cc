#include "asyncio/futures/errors.h"

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

static_assert(!std::is_base_of_v<std::exception, CancelledError>);
static_assert(std::is_base_of_v<std::logic_error, InvalidStateError>);

TEST(ErrorsTest, AHandlerForOrdinaryFailuresDoesNotCatchACancellation) {
  bool passed_through = false;
  try {
    try {
      throw CancelledError();
    } catch (const std::exception&) {
    }
  } catch (const CancelledError&) {
    passed_through = true;
  }
  EXPECT_TRUE(passed_through);
}

TEST(ErrorsTest, ACancellationCarriesAMessageOrNone) {
  EXPECT_EQ(CancelledError().message(), std::nullopt);
  EXPECT_EQ(CancelledError("").message(), "");
  EXPECT_EQ(CancelledError("too late").message(), "too late");
}

TEST(ErrorsTest, AnInvalidStateIsAnOrdinaryFailureWithWords) {
  try {
    throw InvalidStateError("not yet");
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "not yet");
  }
}

}  // namespace
}  // namespace asyncio
