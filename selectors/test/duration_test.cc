#include "asyncio/selectors/duration.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <type_traits>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

using Seconds = std::chrono::duration<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// As every function that takes one sees it.
constexpr nanoseconds converted(Duration span) { return span.nanoseconds(); }

TEST(DurationTest, IsZeroAtFirst) {
  static_assert(Duration() == Duration::zero());
  static_assert(Duration::zero().nanoseconds() == 0ns);
}

TEST(DurationTest, TakesEveryUnitOfWholeNumbers) {
  static_assert(converted(3ns) == nanoseconds(3));
  static_assert(converted(3us) == nanoseconds(3'000));
  static_assert(converted(-3ms) == nanoseconds(-3'000'000));
  static_assert(converted(3s) == nanoseconds(3'000'000'000));
  static_assert(converted(24h) == nanoseconds(86'400'000'000'000));
  static_assert(converted(std::chrono::duration<std::int8_t>(100)) == 100s);
  static_assert(converted(std::chrono::duration<unsigned>(4'000'000'000)) == 4'000'000'000s);
}

TEST(DurationTest, TakesFloatingPoint) {
  static_assert(converted(1.5s) == 1'500'000'000ns);
  static_assert(converted(0.1s) == 100ms);
  static_assert(converted(-0.1s) == -100ms);
  static_assert(converted(std::chrono::duration<float>(0.25F)) == 250ms);
}

TEST(DurationTest, RoundsWhatIsFinerToTheNearestNanosecond) {
  static_assert(converted(Seconds(1.4e-9)) == 1ns);
  static_assert(converted(Seconds(1.6e-9)) == 2ns);
  static_assert(converted(Seconds(-1.6e-9)) == -2ns);
  static_assert(converted(std::chrono::duration<int, std::pico>(1'600)) == 2ns);
  static_assert(converted(std::chrono::duration<int, std::ratio<1, 3>>(1)) == 333'333'333ns);
}

TEST(DurationTest, TakesAbseilsDurations) {
  EXPECT_EQ(converted(absl::Seconds(1.5)), 1500ms);
  EXPECT_EQ(converted(absl::Milliseconds(-3)), -3ms);
  EXPECT_EQ(Duration(absl::InfiniteDuration()), Duration::infinite());
  EXPECT_EQ(Duration(-absl::InfiniteDuration()), Duration::lowest());
}

TEST(DurationTest, BecomesInfiniteWhereItDoesNotFit) {
  static_assert(Duration(std::chrono::hours::max()).is_infinite());
  static_assert(Duration(9'223'372'037s).is_infinite());
  static_assert(!Duration(9'223'372'036s).is_infinite());
  static_assert(Duration(std::chrono::duration<std::uint64_t>::max()).is_infinite());
  static_assert(Duration(nanoseconds::max()).is_infinite());
  static_assert(Duration(Seconds(1e300)).is_infinite());
  static_assert(Duration(Seconds(kInfinity)).is_infinite());
}

TEST(DurationTest, BecomesLowestWhereItDoesNotFitBelow) {
  static_assert(Duration(std::chrono::hours::min()) == Duration::lowest());
  static_assert(Duration(-9'223'372'037s) == Duration::lowest());
  static_assert(Duration(Seconds(-kInfinity)) == Duration::lowest());
  static_assert(!Duration::lowest().is_infinite());
}

TEST(DurationTest, KeepsTheLastNanosecondThatFits) {
  constexpr nanoseconds kAlmost = nanoseconds::max() - 1ns;
  static_assert(converted(kAlmost) == kAlmost);
  static_assert(converted(-kAlmost) == -kAlmost);
}

TEST(DurationTest, RefusesWhatIsNotANumber) {
  EXPECT_THROW(Duration{Seconds(kNan)}, std::invalid_argument);
  EXPECT_THROW(Duration{std::chrono::duration<float>(-kNan)}, std::invalid_argument);
}

TEST(DurationTest, ComparesWithWhateverConverts) {
  static_assert(Duration(1s) == 1000ms);
  static_assert(Duration(1s) < 1.5s);
  static_assert(0s <= Duration::zero());
  static_assert(Duration::infinite() > 24h);
  static_assert(Duration::lowest() < Duration(-24h));
}

TEST(DurationTest, PassesThroughAnOptionalParameter) {
  const auto given = [](std::optional<Duration> timeout) { return timeout; };
  EXPECT_EQ(given(5ms), Duration(5ms));
  EXPECT_EQ(given(absl::Seconds(2)), Duration(2s));
  EXPECT_EQ(given(std::nullopt), std::nullopt);
}

TEST(DurationTest, DoesNotComeFromABareNumber) {
  static_assert(!std::is_convertible_v<int, Duration>);
  static_assert(!std::is_constructible_v<Duration, double>);
}

}  // namespace
}  // namespace asyncio
