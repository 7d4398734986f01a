#include "transports/src/interleave.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "4": an IPv4 address, "6": an IPv6 one. Their ports number them within the family.
std::vector<AddressInfo> infos(std::string_view families) {
  std::vector<AddressInfo> infos;
  std::uint16_t v4 = 0;
  std::uint16_t v6 = 0;
  for (const char family : families) {
    const SocketAddress address = family == '4' ? SocketAddress::from_numeric("127.0.0.1", v4++)
                                                : SocketAddress::from_numeric("::1", v6++);
    infos.emplace_back(address.family(), SOCK_STREAM, IPPROTO_TCP, "", address);
  }
  return infos;
}

// "4:0", "6:1", …
std::vector<std::string> order(const std::vector<AddressInfo>& infos) {
  std::vector<std::string> order;
  for (const AddressInfo& info : infos) {
    order.push_back((info.family == AF_INET ? "4:" : "6:") + std::to_string(info.address.port()));
  }
  return order;
}

TEST(InterleaveTest, TheFamiliesTakeTurnsInTheOrderInWhichTheyAppear) {
  EXPECT_THAT(order(interleave_addrinfos(infos("666444"))),
              ElementsAre("6:0", "4:0", "6:1", "4:1", "6:2", "4:2"));
  EXPECT_THAT(order(interleave_addrinfos(infos("446"))), ElementsAre("4:0", "6:0", "4:1"));
}

TEST(InterleaveTest, WhatIsLeftOfTheLongerFamilyComesLast) {
  EXPECT_THAT(order(interleave_addrinfos(infos("644446"))),
              ElementsAre("6:0", "4:0", "6:1", "4:1", "4:2", "4:3"));
}

TEST(InterleaveTest, TheFirstFamilyMayHaveAHeadStart) {
  EXPECT_THAT(order(interleave_addrinfos(infos("666444"), 2)),
              ElementsAre("6:0", "6:1", "4:0", "6:2", "4:1", "4:2"));
  EXPECT_THAT(order(interleave_addrinfos(infos("644"), 5)), ElementsAre("6:0", "4:0", "4:1"));
}

TEST(InterleaveTest, OneOrNoneStayAsTheyAre) {
  EXPECT_THAT(interleave_addrinfos({}, 3), IsEmpty());
  EXPECT_THAT(order(interleave_addrinfos(infos("666"), 2)), ElementsAre("6:0", "6:1", "6:2"));
}

TEST(InterleaveTest, AHeadStartOfLessThanOneIsNone) {
  EXPECT_THAT(order(interleave_addrinfos(infos("6644"), 0)),
              ElementsAre("6:0", "4:0", "6:1", "4:1"));
}

}  // namespace
}  // namespace asyncio
