// Names, addresses and ports that somebody made up to be read two ways.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "asyncio/transports/address.h"
#include "gtest/gtest.h"
#include "transports/src/host_name.h"

namespace asyncio {
namespace {

constexpr int kTexts = 100'000;

constexpr std::string_view kSeeds[] = {
    "127.0.0.1",
    "255.255.255.255",
    "0x7f000001",
    "0177.0.0.1",
    "2130706433",
    "127.1",
    "::1",
    "::ffff:1.2.3.4",
    "fe80::1%1",
    "fe80::1%lo",
    "1:2:3:4:5:6:7:8",
    "www.python.org",
    "localhost",
    "xn--bcher-kva.example",
    "80",
    "65535",
    "0x50",
    "http",
};

// One of the seeds, changed a little: bytes replaced, inserted, removed, a piece doubled.
class Texts {
 public:
  std::string next() {
    std::string text(kSeeds[below(std::size(kSeeds))]);
    for (std::size_t changes = below(5); changes > 0; --changes) change(&text);
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  char byte() {
    static constexpr std::string_view kLikely("0123456789abcdefx.:%-_ \0\n", 25);
    return below(4) == 0 ? static_cast<char>(below(256)) : kLikely[below(kLikely.size())];
  }

  void change(std::string* text) {
    const std::size_t place = below(text->size() + 1);
    switch (below(4)) {
      case 0:
        text->insert(place, 1, byte());
        break;
      case 1:
        text->erase(place, 1);
        break;
      case 2:
        if (place < text->size()) (*text)[place] = byte();
        break;
      default:
        text->insert(place, text->substr(0, below(text->size() + 1)));
    }
  }

  std::mt19937 random_{1};
};

// Whether the whole text is an address in figures, by the system's own parsers.
bool system_reads_address(const std::string& text) {
  if (text.find('\0') != std::string::npos) return false;
  std::array<char, sizeof(in6_addr)> bytes;
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

TEST(HostileNamesTest, AnAddressIsWhatTheSystemReadsAsOne) {
  Texts texts;
  int addresses = 0;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = texts.next();
    if (text.find('%') != std::string::npos) continue;  // a scope, which only getaddrinfo() knows
    ASSERT_EQ(is_numeric_host(text), system_reads_address(text)) << absl::CHexEscape(text);
    if (is_numeric_host(text)) ++addresses;
  }
  EXPECT_GT(addresses, kTexts / 100);
}

TEST(HostileNamesTest, AnAddressThatIsReadIsWrittenAndReadAgainTheSame) {
  Texts texts;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = texts.next();
    SocketAddress address;
    try {
      address = SocketAddress::from_numeric(text, 80);
    } catch (const std::invalid_argument&) {
      continue;
    }
    ASSERT_TRUE(is_numeric_host(text)) << absl::CHexEscape(text);
    ASSERT_EQ(SocketAddress::from_numeric(address.host(), 80), address) << absl::CHexEscape(text);
  }
}

// Otherwise a filter that looks at the name would not see the address.
TEST(HostileNamesTest, WhatMayBeLookedUpIsReadAsAnAddressByNobody) {
  Texts texts;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = texts.next();
    if (!is_host_name(text)) continue;
    in_addr address{};
    ASSERT_EQ(text.find('\0'), std::string::npos);
    ASSERT_LE(text.size(), std::size_t{254});
    ASSERT_EQ(::inet_aton(text.c_str(), &address), 0) << absl::CHexEscape(text);
  }
}

TEST(HostileNamesTest, APortInFiguresIsThatNumber) {
  Texts texts;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = texts.next();
    if (!is_numeric_service(text)) continue;
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* answer = nullptr;
    ASSERT_EQ(::getaddrinfo("127.0.0.1", text.c_str(), &hints, &answer), 0);
    const absl::Cleanup release = [answer] { ::freeaddrinfo(answer); };
    const SocketAddress address(answer->ai_addr, answer->ai_addrlen);
    ASSERT_EQ(address.port(), std::stoul(text)) << absl::CHexEscape(text);
  }
}

// What the kernel could never have made.
TEST(HostileNamesTest, BytesThatAreNoAddressAreRefusedOrHarmless) {
  std::mt19937 random{1};
  for (int i = 0; i < kTexts; ++i) {
    std::array<char, sizeof(sockaddr_storage)> bytes;
    for (char& byte : bytes) byte = static_cast<char>(random());
    constexpr sa_family_t kFamilies[] = {AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, 777};
    const sa_family_t family = kFamilies[random() % std::size(kFamilies)];
    std::copy_n(reinterpret_cast<const char*>(&family), sizeof family, bytes.data());
    const auto size = static_cast<socklen_t>(random() % (bytes.size() + 1));
    try {
      const SocketAddress address(reinterpret_cast<const sockaddr*>(bytes.data()), size);
      address.to_string();
      address.port();
      address.path();
    } catch (const std::invalid_argument&) {
    }
  }
}

}  // namespace
}  // namespace asyncio
