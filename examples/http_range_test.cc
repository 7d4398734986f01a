#include "examples/http_range.h"

#include "gtest/gtest.h"

namespace examples {
namespace {

std::optional<ByteRange> part(std::string_view field, std::int64_t size) {
  const std::optional<RangeField> range = parse_range(field);
  return range.has_value() ? range->within(size) : std::nullopt;
}

TEST(HttpRangeTest, ASingleRangeIsCutOffAtTheEndOfTheBody) {
  EXPECT_EQ(part("bytes=2-5", 10), (ByteRange{2, 4}));
  EXPECT_EQ(part("bytes=0-0", 10), (ByteRange{0, 1}));
  EXPECT_EQ(part("bytes=8-20", 10), (ByteRange{8, 2}));
  EXPECT_EQ(part("bytes=8-99999999999999999999", 10), (ByteRange{8, 2}));
}

TEST(HttpRangeTest, AnOpenRangeGoesToTheEnd) {
  EXPECT_EQ(part("bytes=2-", 10), (ByteRange{2, 8}));
  EXPECT_EQ(part("bytes=0-", 10), (ByteRange{0, 10}));
}

TEST(HttpRangeTest, ASuffixIsTheLastBytes) {
  EXPECT_EQ(part("bytes=-3", 10), (ByteRange{7, 3}));
  EXPECT_EQ(part("bytes=-30", 10), (ByteRange{0, 10}));
}

TEST(HttpRangeTest, WhatTheBodyDoesNotHaveIsNoPart) {
  for (const char* field :
       {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"}) {
    EXPECT_TRUE(parse_range(field).has_value()) << field;
    EXPECT_EQ(part(field, 10), std::nullopt) << field;
  }
  EXPECT_EQ(part("bytes=0-", 0), std::nullopt);
  EXPECT_EQ(part("bytes=-1", 0), std::nullopt);
}

TEST(HttpRangeTest, AnythingElseIsNotUnderstood) {
  for (const char* field :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b",
        "bytes=1-b", "bytes=--1", "bytes=+1-2", "bytes= 1-2"}) {
    EXPECT_EQ(parse_range(field), std::nullopt) << field;
  }
}

}  // namespace
}  // namespace examples
