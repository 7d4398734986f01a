#include "asyncio/transports/flow_control.h"

#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();

TEST(WriteBufferLimitsTest, WithoutArgumentsTheyAre64And16KiB) {
  EXPECT_EQ(make_write_buffer_limits(std::nullopt, std::nullopt),
            (WriteBufferLimits{.low = 16384, .high = 65536}));
  EXPECT_EQ(WriteBufferLimits(), (WriteBufferLimits{.low = 16384, .high = 65536}));
}

TEST(WriteBufferLimitsTest, TheMissingOneIsDerivedFromTheOther) {
  EXPECT_EQ(make_write_buffer_limits(1000, std::nullopt),
            (WriteBufferLimits{.low = 250, .high = 1000}));
  EXPECT_EQ(make_write_buffer_limits(std::nullopt, 1000),
            (WriteBufferLimits{.low = 1000, .high = 4000}));
  EXPECT_EQ(make_write_buffer_limits(3, std::nullopt), (WriteBufferLimits{.low = 0, .high = 3}));
  EXPECT_EQ(make_write_buffer_limits(0, std::nullopt), (WriteBufferLimits{.low = 0, .high = 0}));
  EXPECT_EQ(make_write_buffer_limits(std::nullopt, 0), (WriteBufferLimits{.low = 0, .high = 0}));
}

TEST(WriteBufferLimitsTest, BothAreTakenAsTheyAreIfHighIsNotLess) {
  EXPECT_EQ(make_write_buffer_limits(7, 7), (WriteBufferLimits{.low = 7, .high = 7}));
  EXPECT_EQ(make_write_buffer_limits(8, 7), (WriteBufferLimits{.low = 7, .high = 8}));
}

TEST(WriteBufferLimitsTest, AHighMarkBelowTheLowOneIsRefused) {
  try {
    make_write_buffer_limits(6, 7);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "high (6) must be >= low (7) must be >= 0");
  }
}

TEST(WriteBufferLimitsTest, TheLargestNumbersDoNotOverflow) {
  EXPECT_EQ(make_write_buffer_limits(kMax, std::nullopt),
            (WriteBufferLimits{.low = kMax / 4, .high = kMax}));
  EXPECT_EQ(make_write_buffer_limits(std::nullopt, kMax),
            (WriteBufferLimits{.low = kMax, .high = kMax}));
  EXPECT_EQ(make_write_buffer_limits(std::nullopt, kMax / 4 + 1),
            (WriteBufferLimits{.low = kMax / 4 + 1, .high = kMax}));
}

TEST(WriteFlowTest, PausesAboveTheHighMarkAndResumesAtTheLowOne) {
  WriteFlow flow;
  flow.set_limits({.low = 10, .high = 20});
  EXPECT_FALSE(flow.must_pause(20));
  EXPECT_FALSE(flow.must_resume(0)) << "it is not paused";
  EXPECT_TRUE(flow.must_pause(21));
  EXPECT_FALSE(flow.must_pause(1000)) << "it is paused already";
  EXPECT_FALSE(flow.must_resume(11));
  EXPECT_TRUE(flow.must_resume(10));
  EXPECT_FALSE(flow.must_resume(10)) << "it is resumed already";
  EXPECT_TRUE(flow.must_pause(21));
}

TEST(WriteFlowTest, WithMarksOfZeroAnyByteIsTooMany) {
  WriteFlow flow;
  flow.set_limits({.low = 0, .high = 0});
  EXPECT_FALSE(flow.must_pause(0));
  EXPECT_TRUE(flow.must_pause(1));
  EXPECT_FALSE(flow.must_resume(1));
  EXPECT_TRUE(flow.must_resume(0));
}

}  // namespace
}  // namespace asyncio
