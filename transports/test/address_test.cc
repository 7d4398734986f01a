#include "asyncio/transports/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::string_view_literals;

TEST(SocketAddressTest, WithoutAnAddressEverythingIsEmpty) {
  const SocketAddress none;
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none, SocketAddress());
}

TEST(SocketAddressTest, AnIpv4AddressIsReadBackAsItWasWritten) {
  const SocketAddress address = SocketAddress::from_numeric("127.0.0.1", 8888);
  EXPECT_EQ(address.family(), AF_INET);
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_EQ(address.port(), 8888);
  EXPECT_EQ(address.to_string(), "127.0.0.1:8888");
  EXPECT_EQ(address.size(), sizeof(sockaddr_in));
}

TEST(SocketAddressTest, AnIpv6AddressIsWrittenInItsShortestFormAndInBrackets) {
  const SocketAddress address = SocketAddress::from_numeric("2001:db8:0:0:0:0:0:1", 65535);
  EXPECT_EQ(address.family(), AF_INET6);
  EXPECT_EQ(address.host(), "2001:db8::1");
  EXPECT_EQ(address.port(), 65535);
  EXPECT_EQ(address.to_string(), "[2001:db8::1]:65535");
  EXPECT_EQ(address.size(), sizeof(sockaddr_in6));
}

TEST(SocketAddressTest, AddressesAreEqualIfFamilyHostAndPortAre) {
  const SocketAddress address = SocketAddress::from_numeric("10.0.0.1", 80);
  EXPECT_EQ(address, SocketAddress::from_numeric("10.0.0.1", 80));
  EXPECT_NE(address, SocketAddress::from_numeric("10.0.0.1", 81));
  EXPECT_NE(address, SocketAddress::from_numeric("10.0.0.2", 80));
  EXPECT_NE(address, SocketAddress::from_numeric("::ffff:10.0.0.1", 80));
  EXPECT_NE(address, SocketAddress());
}

TEST(SocketAddressTest, ACopyOfASystemAddressEqualsIt) {
  const SocketAddress address = SocketAddress::from_numeric("::1", 443);
  EXPECT_EQ(SocketAddress(address.data(), address.size()), address);
}

TEST(SocketAddressTest, AUnixAddressHasNeitherHostNorPort) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  std::strcpy(path.sun_path, "/tmp/x");
  const SocketAddress address(reinterpret_cast<const sockaddr*>(&path), sizeof path);
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.host(), "");
  EXPECT_EQ(address.port(), 0);
}

// The house of many a hole: what one parser takes for an address and another one does not.
TEST(SocketAddressTest, WhatIsNotExactlyAnAddressInFiguresIsRefused) {
  for (const std::string_view text : {""sv,
                                      " "sv,
                                      "localhost"sv,
                                      "127.1"sv,
                                      "127.0.0.1 "sv,
                                      " 127.0.0.1"sv,
                                      "127.0.0.256"sv,
                                      "127.0.0.1.1"sv,
                                      "0x7f000001"sv,
                                      "2130706433"sv,
                                      "017700000001"sv,
                                      "1.2.3.4:80"sv,
                                      ":::"sv,
                                      "::1::"sv,
                                      "[::1]"sv,
                                      "::g"sv,
                                      "1:2:3:4:5:6:7:8:9"sv,
                                      "127.0.0.1\0"sv,
                                      "127.0.0.1\0.example.com"sv,
                                      "\0"sv}) {
    EXPECT_THROW(SocketAddress::from_numeric(text, 1), std::invalid_argument) << text;
  }
  EXPECT_THROW(SocketAddress::from_numeric(std::string(1 << 20, '1'), 1), std::invalid_argument);
}

TEST(SocketAddressTest, ASizeThatNoAddressHasIsRefused) {
  sockaddr_storage storage{};
  storage.ss_family = AF_INET;
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  for (const socklen_t size :
       {socklen_t{0}, socklen_t{1}, socklen_t{sizeof storage + 1}, static_cast<socklen_t>(-1)}) {
    EXPECT_THROW(SocketAddress(address, size), std::invalid_argument) << size;
  }
}

TEST(SocketAddressTest, AnAddressCutShortIsRefused) {
  const SocketAddress v4 = SocketAddress::from_numeric("127.0.0.1", 80);
  const SocketAddress v6 = SocketAddress::from_numeric("::1", 80);
  EXPECT_THROW(SocketAddress(v4.data(), v4.size() - 1), std::invalid_argument);
  EXPECT_THROW(SocketAddress(v6.data(), v6.size() - 1), std::invalid_argument);
}

TEST(SocketAddressTest, APathOfAUnixSocketIsReadBackAsItWasWritten) {
  const SocketAddress address = SocketAddress::from_path("/tmp/service");
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.path(), "/tmp/service");
  EXPECT_EQ(address.to_string(), "/tmp/service");
  EXPECT_EQ(address.host(), "");
  EXPECT_EQ(address.port(), 0);
}

TEST(SocketAddressTest, AnAbstractNameIsOfAllItsBytes) {
  const SocketAddress address = SocketAddress::from_path("\0a\0b"sv);
  EXPECT_EQ(address.path(), "\0a\0b"sv);
  EXPECT_EQ(address.to_string(), "@a\0b"sv);
  EXPECT_NE(address, SocketAddress::from_path("\0a"sv));
}

TEST(SocketAddressTest, AnUnnamedUnixSocketHasAnEmptyPath) {
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  const SocketAddress address(reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t));
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.path(), "");
}

TEST(SocketAddressTest, APathIsRefusedRatherThanCutShort) {
  EXPECT_NO_THROW(SocketAddress::from_path(std::string(107, 'x')));
  EXPECT_THROW(SocketAddress::from_path(std::string(108, 'x')), std::invalid_argument);
  EXPECT_NO_THROW(SocketAddress::from_path(std::string(1, '\0') + std::string(107, 'x')));
  EXPECT_THROW(SocketAddress::from_path(std::string(1, '\0') + std::string(108, 'x')),
               std::invalid_argument);
  EXPECT_THROW(SocketAddress::from_path("/tmp/a\0b"sv), std::invalid_argument);
}

}  // namespace
}  // namespace asyncio
