#include "asyncio/transports/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "gtest/gtest.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using Addresses = std::vector<SocketAddress>;

class ResolverTest : public testing::Test {
 protected:
  // The EAI_ number with which the lookup fails; 0 if it does not.
  Coro<int> failure_code(std::string host, ResolveHints hints = ResolveHints()) {
    try {
      co_await getaddrinfo(host, 80, hints);
    } catch (const ResolveError& error) {
      text_ = error.what();
      co_return error.code().value();
    }
    co_return 0;
  }

  WatchedLoop loop_;
  std::string text_;
};

TEST_F(ResolverTest, AnAddressInFiguresIsAnsweredWithoutATurn) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Addresses v4 = co_await getaddrinfo("127.0.0.1", 80);
    const Addresses v6 = co_await getaddrinfo("2001:db8::1", 443);
    EXPECT_EQ(v4, Addresses{SocketAddress::from_numeric("127.0.0.1", 80)});
    EXPECT_EQ(v6, Addresses{SocketAddress::from_numeric("2001:db8::1", 443)});
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, TheScopeOfALinkLocalAddressIsKept) {
  loop_.run([&]() -> Coro<> {
    const Addresses found = co_await getaddrinfo("fe80::1%lo", 80);
    EXPECT_EQ(found.size(), 1u);
    EXPECT_EQ(found.front().host(), "fe80::1%lo");
  });
}

TEST_F(ResolverTest, WithoutAHostItIsThisMachineOrEveryInterface) {
  loop_.run([&]() -> Coro<> {
    const auto hosts = [](const Addresses& addresses) {
      std::vector<std::string> names;
      for (const SocketAddress& address : addresses) names.push_back(address.host());
      std::sort(names.begin(), names.end());
      return names;
    };
    const Addresses machine = co_await getaddrinfo("", 80);
    EXPECT_EQ(hosts(machine), (std::vector<std::string>{"127.0.0.1", "::1"}));
    ResolveHints passive;
    passive.flags = AI_PASSIVE;
    const Addresses everywhere = co_await getaddrinfo("", 80, passive);
    EXPECT_EQ(hosts(everywhere), (std::vector<std::string>{"0.0.0.0", "::"}));
  });
}

TEST_F(ResolverTest, ANameIsLookedUpInAnotherThreadAndEachAddressComesOnce) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    Addresses found = co_await getaddrinfo("localhost", 80);
    EXPECT_GT(loop_.turns(), before);
    EXPECT_NE(std::find(found.begin(), found.end(), SocketAddress::from_numeric("127.0.0.1", 80)),
              found.end());
    for (const SocketAddress& address : found) {
      EXPECT_EQ(std::count(found.begin(), found.end(), address), 1) << address.to_string();
    }
  });
}

TEST_F(ResolverTest, OnlyAddressesOfTheFamilyAskedForAreGiven) {
  loop_.run([&]() -> Coro<> {
    ResolveHints v4;
    v4.family = AF_INET;
    ResolveHints v6;
    v6.family = AF_INET6;
    const Addresses found = co_await getaddrinfo("localhost", 80, v4);
    EXPECT_EQ(found, Addresses{SocketAddress::from_numeric("127.0.0.1", 80)});
    EXPECT_NE(co_await failure_code("127.0.0.1", v6), 0);
    EXPECT_NE(co_await failure_code("::1", v4), 0);
  });
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsAnErrorThatNamesIt) {
  loop_.run([&]() -> Coro<> {
    EXPECT_NE(co_await failure_code("no-such-host.invalid"), 0);
    EXPECT_TRUE(text_.starts_with("cannot resolve 'no-such-host.invalid': ")) << text_;
  });
}

TEST_F(ResolverTest, NamesLongerThanAnyNameNeverReachTheSystem) {
  loop_.run([&]() -> Coro<> {
    for (const std::size_t size : {254u, 255u, 256u, 257u, 4096u}) {
      std::string host;
      while (host.size() < size) host += "label.";
      host.resize(size, 'x');
      const int before = loop_.turns();
      EXPECT_EQ(co_await failure_code(host), EAI_NONAME) << size;
      EXPECT_EQ(loop_.turns(), before) << size;
      EXPECT_LT(text_.size(), 400u) << "an error text need not be as long as an attack";
    }
  });
}

TEST_F(ResolverTest, ANameOf253BytesIsAskedFor) {
  loop_.run([&]() -> Coro<> {
    std::string host;
    while (host.size() < 245) host += "label.";
    host += "invalid";
    host.insert(0, 253 - host.size(), 'x');
    const int before = loop_.turns();
    EXPECT_NE(co_await failure_code(host), 0);
    EXPECT_GT(loop_.turns(), before);
  });
}

// A name that is cut at 256 bytes, or at a NUL, would be somebody else's address.
TEST_F(ResolverTest, NamesMadeToBeCutShortAreRefusedWhole) {
  using namespace std::string_literals;
  loop_.run([&]() -> Coro<> {
    const std::string zeros = "0x" + std::string(246, '0') + "7f000001";
    EXPECT_NE(co_await failure_code(zeros + ".example.com"), 0);
    const int before = loop_.turns();
    EXPECT_EQ(co_await failure_code("127.0.0.1\0.example.com"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("localhost\0"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("\0"s), EAI_NONAME);
    EXPECT_EQ(loop_.turns(), before);
    EXPECT_NE(co_await failure_code(std::string(64, 'x') + ".invalid"), 0);
  });
}

TEST_F(ResolverTest, ManyLookupsAtOnceAreAllAnswered) {
  loop_.run([&]() -> Coro<> {
    std::vector<Task<Addresses>> lookups;
    for (int i = 0; i < 50; ++i) {
      lookups.push_back(create_task(getaddrinfo("localhost", static_cast<std::uint16_t>(i))));
    }
    for (int i = 0; i < 50; ++i) {
      const Addresses found = co_await lookups[static_cast<std::size_t>(i)];
      EXPECT_EQ(found.front().port(), i);
    }
  });
}

TEST_F(ResolverTest, ACancelledLookupEndsAtOnceAndItsAnswerIsDropped) {
  loop_.run([&]() -> Coro<> {
    for (int i = 0; i < 50; ++i) {
      auto lookup = create_task(getaddrinfo("localhost", 80));
      co_await turns(1);
      lookup.cancel();
      co_await turns(1);
      EXPECT_TRUE(lookup.cancelled());
    }
    // The pool answers in order, or nearly so: after these the others have been answered too.
    for (int i = 0; i < 4; ++i) co_await getaddrinfo("localhost", 80);
  });
}

TEST_F(ResolverTest, AnAnswerThatFindsItsLoopClosedIsDropped) {
  for (int i = 0; i < 20; ++i) {
    WatchedLoop loop;
    loop.run([&]() -> Coro<> {
      static_cast<void>(create_task(getaddrinfo("localhost", 80)));
      co_await turns(1);
    });
  }
  loop_.run([]() -> Coro<> {
    for (int i = 0; i < 4; ++i) co_await getaddrinfo("localhost", 80);
  });
}

// Names of addresses.

TEST_F(ResolverTest, InFiguresTheNamesOfAnAddressAreGivenWithoutATurn) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const auto [host, service] = co_await getnameinfo(SocketAddress::from_numeric("::1", 80),
                                                      NI_NUMERICHOST | NI_NUMERICSERV);
    EXPECT_EQ(host, "::1");
    EXPECT_EQ(service, "80");
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, TheNamesOfAnAddressAreLookedUpInAnotherThread) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const auto [host, service] = co_await getnameinfo(SocketAddress::from_numeric("127.0.0.1", 80));
    EXPECT_NE(host, "");
    EXPECT_EQ(service, "http");
    EXPECT_GT(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, AnAddressWhoseNameIsRequiredButUnknownIsAnErrorThatNamesIt) {
  loop_.run([&]() -> Coro<> {
    std::string text;
    try {
      co_await getnameinfo(SocketAddress::from_numeric("192.0.2.1", 80), NI_NAMEREQD);
    } catch (const ResolveError& error) {
      text = error.what();
    }
    EXPECT_TRUE(text.starts_with("cannot resolve '192.0.2.1:80'")) << text;
  });
}

}  // namespace
}  // namespace asyncio
