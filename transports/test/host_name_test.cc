#include "transports/src/host_name.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

using std::string_literals::operator""s;

// `size` bytes of labels that are short enough.
std::string name_of(std::size_t size) {
  std::string name;
  while (name.size() < size) name += "label.";
  name.resize(size);
  if (name.ends_with('.')) name.back() = 'x';
  return name;
}

TEST(IsNumericHostTest, AddressesInFiguresAre) {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "::ffff:1.2.3.4",
                           "fe80::1%lo", "fe80::1%1"}) {
    EXPECT_TRUE(is_numeric_host(host)) << host;
  }
}

TEST(IsNumericHostTest, NothingElseIs) {
  for (const std::string& host :
       {""s, "localhost"s, "127.1"s, "127.0.0.1 "s, " 127.0.0.1"s, "127.0.0.1\0"s, "127.0.0.1%lo"s,
        "[::1]"s, "::1\0%lo"s, "fe80::1%lo\0x"s, "0x7f000001"s, "127.0.0.01"s}) {
    EXPECT_FALSE(is_numeric_host(host)) << host;
  }
}

TEST(IsHostNameTest, NamesOfMachinesAre) {
  for (const char* host :
       {"localhost", "example.com", "example.com.", "a_b.example", "xn--bcher-kva", "1.2.3.4.5",
        "3com.com", "300.1.1.1", "_dmarc.example.com"}) {
    EXPECT_TRUE(is_host_name(host)) << host;
  }
}

TEST(IsHostNameTest, ANameMayHave253BytesAndALabel63) {
  EXPECT_TRUE(is_host_name(name_of(253)));
  EXPECT_TRUE(is_host_name(name_of(253) + "."));
  EXPECT_TRUE(is_host_name(std::string(63, 'x') + ".com"));
  for (const std::size_t size : {254u, 255u, 256u, 257u, 4096u}) {
    EXPECT_FALSE(is_host_name(name_of(size))) << size;
  }
  EXPECT_FALSE(is_host_name(std::string(64, 'x') + ".com"));
}

TEST(IsHostNameTest, NoLabelIsEmpty) {
  for (const char* host : {"", ".", "..", ".com", "a..b", "a.."}) {
    EXPECT_FALSE(is_host_name(host)) << host;
  }
}

TEST(IsHostNameTest, OnlyPrintableAsciiMayBeAsked) {
  for (const std::string& host : {"localhost\0"s, "local\0host"s, "\0"s, "local host"s, "a\nb"s,
                                  "b\xc3\xbc"s + "cher.example", "a\x7f"s, "\xe3\x80\x82"s}) {
    EXPECT_FALSE(is_host_name(host)) << host;
  }
}

// Old spellings of 127.0.0.1 that the C library would connect to, but that a list of addresses
// which nobody may reach does not have.
TEST(IsHostNameTest, NumbersThatTheSystemWouldReadAsAnAddressAreNoNames) {
  for (const char* host :
       {"127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.01", "0", "0x7f.1", "127.1."}) {
    EXPECT_FALSE(is_host_name(host)) << host;
  }
  EXPECT_FALSE(is_host_name("0x" + std::string(246, '0') + "7f000001"));
  EXPECT_FALSE(is_host_name("0x" + std::string(200, '0') + "7f000001.example.com"));
}

TEST(IsNumericServiceTest, PortsInFiguresAre) {
  for (const char* service : {"0", "80", "65535", "080"}) {
    EXPECT_TRUE(is_numeric_service(service)) << service;
    EXPECT_FALSE(is_service_name(service)) << service;
  }
}

TEST(IsServiceNameTest, NamesOfServicesAre) {
  for (const char* service : {"http", "https", "3com-tsmux", "whois++"}) {
    EXPECT_TRUE(is_service_name(service)) << service;
    EXPECT_FALSE(is_numeric_service(service)) << service;
  }
}

TEST(IsServiceNameTest, WhatTheSystemWouldReadAsAnotherPortIsNeither) {
  for (const std::string& service :
       {""s, "65536"s, "65616"s, "99999999999999999999"s, "-1"s, "+80"s, " 80"s, "80 "s, "80\0"s,
        "http\0"s, "+http"s, " http"s}) {
    EXPECT_FALSE(is_numeric_service(service)) << service;
    EXPECT_FALSE(is_service_name(service)) << service;
  }
}

}  // namespace
}  // namespace asyncio
