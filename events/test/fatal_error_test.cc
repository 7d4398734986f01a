#include "asyncio/events/fatal_error.h"

#include <exception>
#include <stdexcept>
#include <type_traits>

#include "asyncio/events/exception_type.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

static_assert(!std::is_base_of_v<std::exception, KeyboardInterrupt>);
static_assert(!std::is_base_of_v<std::exception, SystemExit>);

TEST(FatalErrorTest, AHandlerForOrdinaryFailuresDoesNotCatchThem) {
  const auto passes_through = [](auto error) {
    try {
      try {
        throw error;
      } catch (const std::exception&) {
        return false;
      }
    } catch (const FatalError&) {
      return true;
    }
  };
  EXPECT_TRUE(passes_through(KeyboardInterrupt()));
  EXPECT_TRUE(passes_through(SystemExit()));
}

TEST(FatalErrorTest, SaysWhatItIs) {
  EXPECT_STREQ(KeyboardInterrupt().what(), "KeyboardInterrupt");
  EXPECT_STREQ(SystemExit(1).what(), "SystemExit");
}

TEST(FatalErrorTest, SystemExitCarriesTheStatus) {
  EXPECT_EQ(SystemExit().code(), 0);
  EXPECT_EQ(SystemExit(7).code(), 7);
}

TEST(FatalErrorTest, IsFatalTellsTheTwoFromAllOthers) {
  EXPECT_TRUE(is_fatal(std::make_exception_ptr(KeyboardInterrupt())));
  EXPECT_TRUE(is_fatal(std::make_exception_ptr(SystemExit(1))));
  EXPECT_FALSE(is_fatal(std::make_exception_ptr(std::runtime_error("x"))));
  EXPECT_FALSE(is_fatal(std::make_exception_ptr(1)));
  EXPECT_FALSE(is_fatal(nullptr));
}

TEST(FatalErrorTest, IsFatalSeesAnExceptionThatWasReallyThrown) {
  std::exception_ptr caught;
  try {
    throw SystemExit(2);
  } catch (...) {
    caught = std::current_exception();
  }
  EXPECT_TRUE(is_fatal(caught));
}

struct Exact final {};

TEST(ExceptionTypeTest, HoldsTellsTheTypeWithoutThrowing) {
  EXPECT_TRUE(internal::holds<Exact>(std::make_exception_ptr(Exact())));
  EXPECT_FALSE(internal::holds<Exact>(std::make_exception_ptr(std::runtime_error("x"))));
  EXPECT_FALSE(internal::holds<Exact>(nullptr));
}

}  // namespace
}  // namespace asyncio
