#include "asyncio/utils/exception_group.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

template <class E>
std::exception_ptr error(E value) {
  return std::make_exception_ptr(std::move(value));
}

ExceptionGroup tree() {
  const ExceptionGroup inner("inner", {error(TimeoutError()), error(std::logic_error("bug"))});
  return ExceptionGroup("outer", {error(std::range_error("far")), error(inner)});
}

TEST(ExceptionGroupTest, IsAStdExceptionWithItsMembersInOrder) {
  try {
    throw ExceptionGroup("two", {error(std::range_error("a")), error(std::logic_error("b"))});
  } catch (const std::exception& caught) {
    const auto& group = dynamic_cast<const ExceptionGroup&>(caught);
    EXPECT_EQ(group.message(), "two");
    ASSERT_EQ(group.exceptions().size(), 2u);
    EXPECT_THROW(std::rethrow_exception(group.exceptions()[0]), std::range_error);
    EXPECT_THROW(std::rethrow_exception(group.exceptions()[1]), std::logic_error);
  }
}

TEST(ExceptionGroupTest, ItsTextListsWhatIsInItAndBelow) {
  const std::string late = TimeoutError().what();
  EXPECT_EQ(tree().what(),
            "outer (2 sub-exceptions)\n"
            "  1: far\n"
            "  2: inner (2 sub-exceptions)\n"
            "    1: " +
                late +
                "\n"
                "    2: bug");
  EXPECT_STREQ(ExceptionGroup("one", {error(std::range_error("far"))}).what(),
               "one (1 sub-exception)\n  1: far");
}

TEST(ExceptionGroupTest, SplitsByTypeAndKeepsTheShape) {
  const auto [late, rest] = tree().split<TimeoutError>();
  ASSERT_TRUE(late.has_value());
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(late->message(), "outer");
  ASSERT_EQ(late->exceptions().size(), 1u);
  try {
    std::rethrow_exception(late->exceptions()[0]);
  } catch (const ExceptionGroup& nested) {
    EXPECT_EQ(nested.message(), "inner");
    EXPECT_EQ(nested.exceptions().size(), 1u);
  }
  EXPECT_STREQ(rest->what(),
               "outer (2 sub-exceptions)\n"
               "  1: far\n"
               "  2: inner (1 sub-exception)\n"
               "    1: bug");
}

TEST(ExceptionGroupTest, SplitsByABaseAsACatchWould) {
  const auto [runtime, rest] = tree().split<std::logic_error>();
  EXPECT_TRUE(runtime.has_value());
  EXPECT_TRUE(rest.has_value());
  EXPECT_FALSE(tree().subgroup<std::bad_alloc>().has_value());
}

TEST(ExceptionGroupTest, AGroupThatMatchesGoesAsAWhole) {
  const auto [all, rest] = tree().split<std::exception>();
  ASSERT_TRUE(all.has_value());
  EXPECT_FALSE(rest.has_value());
  EXPECT_STREQ(all->what(), tree().what());
  EXPECT_FALSE(tree().split<BaseExceptionGroup>().rest.has_value());
}

TEST(ExceptionGroupTest, RefusesToBeEmptyAndMembersThatAreNullOrNoStdExceptions) {
  EXPECT_THROW(ExceptionGroup("none", {}), std::invalid_argument);
  EXPECT_THROW(ExceptionGroup("null", {nullptr}), std::invalid_argument);
  EXPECT_THROW(ExceptionGroup("fatal", {error(KeyboardInterrupt())}), std::invalid_argument);
  EXPECT_THROW(BaseExceptionGroup("none", {}), std::invalid_argument);
}

TEST(ExceptionGroupTest, WithAMemberThatIsNoStdExceptionItIsNoneEither) {
  const auto all = {error(std::range_error("far")), error(KeyboardInterrupt()),
                    error(CancelledError()), error(7)};
  try {
    std::rethrow_exception(make_exception_group("mixed", all));
  } catch (const std::exception&) {
    ADD_FAILURE() << "eaten by a handler for ordinary failures";
  } catch (const BaseExceptionGroup& group) {
    EXPECT_STREQ(group.what(),
                 "mixed (4 sub-exceptions)\n"
                 "  1: far\n"
                 "  2: KeyboardInterrupt\n"
                 "  3: CancelledError\n"
                 "  4: an exception of unknown type");
    EXPECT_TRUE(group.subgroup<FatalError>().has_value());
    EXPECT_EQ(group.split<CancelledError>().rest->exceptions().size(), 3u);
  }
}

TEST(ExceptionGroupTest, AGroupOfSuchGroupsIsOneOfThem) {
  const std::exception_ptr inner = make_exception_group("inner", {error(7)});
  EXPECT_THROW(std::rethrow_exception(make_exception_group("outer", {inner})), BaseExceptionGroup);
  EXPECT_THROW(ExceptionGroup("outer", {inner}), std::invalid_argument);
}

TEST(ExceptionGroupTest, OfStdExceptionsAloneIsMadeAnExceptionGroup) {
  EXPECT_THROW(
      std::rethrow_exception(make_exception_group("one", {error(std::range_error("far"))})),
      ExceptionGroup);
}

}  // namespace
}  // namespace asyncio
