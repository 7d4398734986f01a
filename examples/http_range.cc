#include "examples/http_range.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace examples {
namespace {

// Digits only. What is too large for us is beyond every body.
std::optional<std::int64_t> parse_position(std::string_view text) {
  if (text.empty() || !absl::c_all_of(text, absl::ascii_isdigit)) return std::nullopt;
  std::int64_t position = 0;
  if (absl::SimpleAtoi(text, &position)) return position;
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::optional<ByteRange> RangeField::within(std::int64_t size) const {
  if (!first.has_value()) {
    const std::int64_t count = std::min(*last, size);
    if (count == 0) return std::nullopt;
    return ByteRange{size - count, count};
  }
  if (*first >= size) return std::nullopt;
  return ByteRange{*first, std::min(last.value_or(size), size - 1) - *first + 1};
}

std::optional<RangeField> parse_range(std::string_view field) {
  if (!absl::ConsumePrefix(&field, "bytes=")) return std::nullopt;
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = field.substr(0, dash);
  const std::string_view to = field.substr(dash + 1);
  const RangeField range{parse_position(from), parse_position(to)};
  if (range.first.has_value() != !from.empty()) return std::nullopt;
  if (range.last.has_value() != !to.empty()) return std::nullopt;
  if (!range.first.has_value() && !range.last.has_value()) return std::nullopt;
  if (range.first.has_value() && range.last.has_value() && *range.last < *range.first) {
    return std::nullopt;
  }
  return range;
}

}  // namespace examples
