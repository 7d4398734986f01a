// Duration: a span of time as asyncio's functions take it.
//
// Python passes seconds as a float. Here any std::chrono duration, of integers or of floating
// point, and absl::Duration convert by themselves: `sleep(100ms)`, `sleep(1.5s)`,
// `sleep(absl::Seconds(2))`. Inside are whole nanoseconds. What does not fit, from 292 years on,
// becomes infinite: a limit that is never reached, as Python's float("inf"). Negative spans are
// legal and mean "already over"; those that do not fit become lowest().

#ifndef ASYNCIO_SELECTORS_DURATION_H_
#define ASYNCIO_SELECTORS_DURATION_H_

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"

namespace asyncio {

class Duration {
 public:
  // Zero.
  constexpr Duration() noexcept = default;

  // Converts, rounded to the nearest nanosecond where the unit is finer or the number is not whole.
  // Throws std::invalid_argument for NaN.
  template <class Rep, class Period>
  constexpr Duration(
      std::chrono::duration<Rep, Period> span)  // NOLINT(google-explicit-constructor)
      : nanoseconds_(to_nanoseconds(span)) {}

  // Converts, rounded towards zero.
  Duration(absl::Duration span) noexcept;  // NOLINT(google-explicit-constructor)

  // Longer than any other; as a time limit: none.
  static constexpr Duration infinite() noexcept { return Duration(kLargest); }

  // Shorter than any other.
  static constexpr Duration lowest() noexcept { return Duration(-kLargest - 1); }

  static constexpr Duration zero() noexcept { return Duration(); }

  constexpr bool is_infinite() const noexcept { return nanoseconds_ == kLargest; }

  // The span; nanoseconds::max() if infinite. Adding to that overflows: ask is_infinite() first.
  constexpr std::chrono::nanoseconds nanoseconds() const noexcept {
    return std::chrono::nanoseconds(nanoseconds_);
  }

  // Also compares with whatever converts: `timeout <= 0s`.
  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;

 private:
  static constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

  explicit constexpr Duration(std::int64_t nanoseconds) noexcept : nanoseconds_(nanoseconds) {}

  template <class Rep, class Period>
  static constexpr std::int64_t to_nanoseconds(std::chrono::duration<Rep, Period> span);
  template <std::int64_t kNanosecondsPerTick, class Rep>
  static constexpr std::int64_t scale(Rep ticks) noexcept;
  static constexpr std::int64_t round(long double nanoseconds);
  [[noreturn]] static void refuse_nan();

  std::int64_t nanoseconds_ = 0;
};

// Implementation.

// Spans of whole nanoseconds are scaled exactly; everything else goes through floating point.
template <class Rep, class Period>
constexpr std::int64_t Duration::to_nanoseconds(std::chrono::duration<Rep, Period> span) {
  using NanosecondsPerTick = std::ratio_divide<Period, std::nano>;
  if constexpr (std::is_integral_v<Rep> && NanosecondsPerTick::den == 1) {
    return scale<NanosecondsPerTick::num>(span.count());
  } else {
    return round(std::chrono::duration<long double, std::nano>(span).count());
  }
}

template <std::int64_t kNanosecondsPerTick, class Rep>
constexpr std::int64_t Duration::scale(Rep ticks) noexcept {
  constexpr std::int64_t kMostTicks = kLargest / kNanosecondsPerTick;
  if (std::cmp_greater(ticks, kMostTicks)) return kLargest;
  if (std::cmp_less(ticks, -kMostTicks)) return -kLargest - 1;
  return static_cast<std::int64_t>(ticks) * kNanosecondsPerTick;
}

constexpr std::int64_t Duration::round(long double nanoseconds) {
  if (nanoseconds != nanoseconds) refuse_nan();
  const long double rounded = nanoseconds + (nanoseconds < 0 ? -0.5L : 0.5L);
  if (rounded >= 0x1p63L) return kLargest;
  if (rounded <= -0x1p63L) return -kLargest - 1;
  return static_cast<std::int64_t>(rounded);
}

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_DURATION_H_
