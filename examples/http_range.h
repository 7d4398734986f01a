// The Range field of an HTTP request.
#ifndef ASYNCIO_EXAMPLES_HTTP_RANGE_H_
#define ASYNCIO_EXAMPLES_HTTP_RANGE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace examples {

// Of a body.
struct ByteRange {
  std::int64_t first = 0;
  std::int64_t size = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// "bytes=2-5", "bytes=2-" or "bytes=-5", the last five.
struct RangeField {
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> last;  // without `first`: how many of the last

  // The part of a body of `size` bytes; nullopt if there is no such part.
  std::optional<ByteRange> within(std::int64_t size) const;

  friend bool operator==(const RangeField&, const RangeField&) = default;
};

// Nullopt for anything else, such as several ranges: a server may send the whole body then.
std::optional<RangeField> parse_range(std::string_view field);

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_HTTP_RANGE_H_
