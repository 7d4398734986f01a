#include "asyncio/selectors/duration.h"

#include <stdexcept>

namespace asyncio {

// Infinities come out as the largest and smallest number of nanoseconds, which is what they are
// here.
Duration::Duration(absl::Duration span) noexcept : nanoseconds_(absl::ToInt64Nanoseconds(span)) {}

void Duration::refuse_nan() { throw std::invalid_argument("Invalid duration: NaN (not a number)"); }

}  // namespace asyncio
