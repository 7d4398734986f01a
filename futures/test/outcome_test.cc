#include "asyncio/futures/outcome.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

std::exception_ptr boom() { return std::make_exception_ptr(std::runtime_error("boom")); }

TEST(OutcomeTest, IsEmptyAtFirst) {
  const Outcome<int> outcome;
  EXPECT_TRUE(outcome.empty());
  EXPECT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.exception(), nullptr);
}

TEST(OutcomeTest, GivesOutItsValueAsOftenAsAsked) {
  Outcome<std::string> outcome;
  outcome.set_value("text");
  EXPECT_FALSE(outcome.empty());
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.exception(), nullptr);
  EXPECT_EQ(outcome.value(), "text");
  outcome.value() += "s";
  EXPECT_EQ(std::as_const(outcome).value(), "texts");
}

TEST(OutcomeTest, ThrowsItsExceptionAsOftenAsAsked) {
  Outcome<int> outcome;
  const std::exception_ptr error = boom();
  outcome.set_exception(error);
  EXPECT_FALSE(outcome.empty());
  EXPECT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.exception(), error);
  EXPECT_THROW(outcome.value(), std::runtime_error);
  EXPECT_THROW(std::as_const(outcome).value(), std::runtime_error);
  EXPECT_THROW(std::move(outcome).value(), std::runtime_error);
}

TEST(OutcomeTest, TheLaterReplacesTheEarlier) {
  Outcome<int> outcome;
  outcome.set_value(1);
  outcome.set_exception(boom());
  EXPECT_FALSE(outcome.has_value());
  outcome.set_value(2);
  EXPECT_EQ(outcome.exception(), nullptr);
  EXPECT_EQ(outcome.value(), 2);
}

TEST(OutcomeTest, AValueMayBeMovedInAndOut) {
  Outcome<std::unique_ptr<int>> outcome;
  outcome.set_value(std::make_unique<int>(7));
  EXPECT_EQ(*outcome.value(), 7);
  const std::unique_ptr<int> taken = std::move(outcome).value();
  EXPECT_EQ(*taken, 7);
}

TEST(OutcomeTest, AnExceptionMayBeTheValue) {
  Outcome<std::exception_ptr> outcome;
  outcome.set_value(boom());
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.exception(), nullptr);
  EXPECT_NE(outcome.value(), nullptr);
  outcome.set_exception(boom());
  EXPECT_FALSE(outcome.has_value());
}

TEST(OutcomeTest, OfVoidTellsHowItEnded) {
  Outcome<void> outcome;
  EXPECT_TRUE(outcome.empty());
  EXPECT_FALSE(outcome.has_value());
  outcome.set_value();
  EXPECT_FALSE(outcome.empty());
  EXPECT_TRUE(outcome.has_value());
  outcome.value();
  outcome.set_exception(boom());
  EXPECT_FALSE(outcome.empty());
  EXPECT_FALSE(outcome.has_value());
  EXPECT_NE(outcome.exception(), nullptr);
  EXPECT_THROW(outcome.value(), std::runtime_error);
  outcome.set_value();
  EXPECT_EQ(outcome.exception(), nullptr);
  outcome.value();
}

}  // namespace
}  // namespace asyncio
