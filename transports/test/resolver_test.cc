#include "asyncio/transports/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::UnorderedElementsAre;
using Infos = std::vector<AddressInfo>;

constexpr ResolveHints kStream{.type = SOCK_STREAM};

std::vector<std::string> texts(const Infos& infos) {
  std::vector<std::string> texts;
  for (const AddressInfo& info : infos) texts.push_back(info.address.to_string());
  return texts;
}

AddressInfo tcp(std::string_view host, std::uint16_t port) {
  const SocketAddress address = SocketAddress::from_numeric(host, port);
  return {address.family(), SOCK_STREAM, IPPROTO_TCP, "", address};
}

class ResolverTest : public ::testing::Test {
 protected:
  // The EAI_ number with which the lookup fails; 0 if it does not.
  Coro<int> failure_code(std::string host, ResolveHints hints = ResolveHints(),
                         std::string service = "80") {
    try {
      co_await getaddrinfo(host, service, hints);
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
    const Infos v4 = co_await getaddrinfo("127.0.0.1", 80, kStream);
    const Infos v6 = co_await getaddrinfo("2001:db8::1", 443, kStream);
    const Infos text = co_await getaddrinfo("127.0.0.1", "80", kStream);
    const Infos none = co_await getaddrinfo("127.0.0.1", "", kStream);
    EXPECT_THAT(v4, ElementsAre(tcp("127.0.0.1", 80)));
    EXPECT_THAT(v6, ElementsAre(tcp("2001:db8::1", 443)));
    EXPECT_THAT(text, ElementsAre(tcp("127.0.0.1", 80)));
    EXPECT_THAT(none, ElementsAre(tcp("127.0.0.1", 0)));
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, EachTypeAndProtocolCanBeAskedFor) {
  loop_.run([&]() -> Coro<> {
    const Infos udp = co_await getaddrinfo("::1", 53, ResolveHints{.proto = IPPROTO_UDP});
    EXPECT_THAT(udp, ElementsAre(AddressInfo(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "",
                                             SocketAddress::from_numeric("::1", 53))));
    const Infos datagrams = co_await getaddrinfo("::1", 53, ResolveHints{.type = SOCK_DGRAM});
    EXPECT_EQ(datagrams, udp);
    const Infos all = co_await getaddrinfo("127.0.0.1", 53);
    EXPECT_THAT(all, Contains(tcp("127.0.0.1", 53)));
    EXPECT_THAT(all, Contains(Field(&AddressInfo::type, SOCK_DGRAM)));
  });
}

TEST_F(ResolverTest, TypesAndProtocolsThatDoNotFitAreErrors) {
  loop_.run([&]() -> Coro<> {
    ResolveHints mismatched;
    mismatched.type = SOCK_STREAM;
    mismatched.proto = IPPROTO_UDP;
    EXPECT_NE(co_await failure_code("127.0.0.1", mismatched), 0);
    ResolveHints unknown;
    unknown.type = 4711;
    EXPECT_NE(co_await failure_code("127.0.0.1", unknown), 0);
  });
}

TEST_F(ResolverTest, TheScopeOfALinkLocalAddressIsKept) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Infos found = co_await getaddrinfo("fe80::1%lo", 80, kStream);
    EXPECT_THAT(texts(found), ElementsAre("[fe80::1%lo]:80"));
    EXPECT_NE(co_await failure_code("fe80::1%no-such-one"), 0);
    EXPECT_NE(co_await failure_code("fe80::1%lo" + std::string(300, 'o')), 0);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, TheNameOfAServiceIsAPort) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Infos found = co_await getaddrinfo("127.0.0.1", "http", kStream);
    EXPECT_THAT(found, ElementsAre(tcp("127.0.0.1", 80)));
    EXPECT_GT(loop_.turns(), before) << "looked up in another thread";
  });
}

TEST_F(ResolverTest, APortThatIsNoneIsAnErrorThatNamesIt) {
  loop_.run([&]() -> Coro<> {
    for (const char* service : {"65536", "-1", "+80", " 80", "no-such-service"}) {
      EXPECT_EQ(co_await failure_code("127.0.0.1", kStream, service), EAI_SERVICE) << service;
      EXPECT_TRUE(text_.starts_with("cannot resolve '" + std::string(service) + "': ")) << text_;
    }
  });
}

TEST_F(ResolverTest, TheCanonicalNameIsGivenOnRequest) {
  loop_.run([&]() -> Coro<> {
    ResolveHints hints = kStream;
    hints.flags = AI_CANONNAME;
    const Infos found = co_await getaddrinfo("localhost", 80, hints);
    EXPECT_EQ(found.front().canonname, "localhost");
  });
}

TEST_F(ResolverTest, WithoutAHostItIsThisMachineOrEveryInterface) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Infos machine = co_await getaddrinfo("", 80, kStream);
    EXPECT_THAT(texts(machine), UnorderedElementsAre("127.0.0.1:80", "[::1]:80"));
    ResolveHints passive = kStream;
    passive.flags = AI_PASSIVE;
    const Infos everywhere = co_await getaddrinfo("", 80, passive);
    EXPECT_THAT(texts(everywhere), UnorderedElementsAre("0.0.0.0:80", "[::]:80"));
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, ANameIsLookedUpInAnotherThreadAndEachAddressComesOnce) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    const Infos found = co_await getaddrinfo("localhost", 80, kStream);
    EXPECT_GT(loop_.turns(), before);
    EXPECT_THAT(found, Contains(tcp("127.0.0.1", 80)));
    for (const AddressInfo& info : found) EXPECT_THAT(found, Contains(info).Times(1));
  });
}

TEST_F(ResolverTest, OnlyAddressesOfTheFamilyAskedForAreGiven) {
  loop_.run([&]() -> Coro<> {
    ResolveHints v4 = kStream;
    v4.family = AF_INET;
    ResolveHints v6 = kStream;
    v6.family = AF_INET6;
    const Infos found = co_await getaddrinfo("localhost", 80, v4);
    EXPECT_THAT(found, ElementsAre(tcp("127.0.0.1", 80)));
    EXPECT_NE(co_await failure_code("127.0.0.1", v6), 0);
    EXPECT_NE(co_await failure_code("::1", v4), 0);
  });
}

// The text may be gone before the coroutine starts.
TEST_F(ResolverTest, HostAndServiceAreCopiedWhenItIsCalled) {
  loop_.run([&]() -> Coro<> {
    auto host = std::make_unique<std::string>("127.0.0.1");
    auto service = std::make_unique<std::string>("80");
    Task<Infos> lookup = create_task(getaddrinfo(*host, *service, kStream));
    host.reset();
    service.reset();
    const Infos found = co_await lookup;
    EXPECT_THAT(found, ElementsAre(tcp("127.0.0.1", 80)));
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
    const int before = loop_.turns();
    EXPECT_EQ(co_await failure_code(zeros + ".example.com"), EAI_NONAME);
    EXPECT_EQ(co_await failure_code(zeros), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("127.0.0.1\0.example.com"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("localhost\0"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("\0"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("::1%lo\0x"s), EAI_NONAME);
    EXPECT_EQ(co_await failure_code(std::string(64, 'x') + ".invalid"), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("a..b"), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("."), EAI_NONAME);
    EXPECT_EQ(co_await failure_code("localhost", kStream, "http\0"s), EAI_SERVICE);
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, OldSpellingsOfAnAddressAreRefused) {
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    for (const char* host : {"127.1", "0x7f000001", "2130706433", "0177.0.0.1"}) {
      EXPECT_EQ(co_await failure_code(host), EAI_NONAME) << host;
    }
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(ResolverTest, ANameThatIsNotAsciiIsRefusedAndPrintedHarmlessly) {
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await failure_code("bücher.example"), EAI_NONAME);
    EXPECT_TRUE(text_.starts_with("cannot resolve 'bücher.example': ")) << text_;
    EXPECT_EQ(co_await failure_code("a\nb\x1b[31m"), EAI_NONAME);
    EXPECT_TRUE(text_.starts_with("cannot resolve 'a\\nb\\x1b[31m': ")) << text_;
  });
}

TEST_F(ResolverTest, ManyLookupsAtOnceAreAllAnswered) {
  loop_.run([&]() -> Coro<> {
    std::vector<Task<Infos>> lookups;
    for (int i = 0; i < 50; ++i) {
      lookups.push_back(create_task(getaddrinfo("localhost", static_cast<std::uint16_t>(i))));
    }
    for (int i = 0; i < 50; ++i) {
      const Infos found = co_await lookups[static_cast<std::size_t>(i)];
      EXPECT_EQ(found.front().address.port(), i);
    }
  });
}

TEST_F(ResolverTest, AForkedChildLooksUpWithThreadsOfItsOwn) {
  const auto look_up = []() -> Coro<std::size_t> {
    const Infos infos = co_await getaddrinfo("localhost", 80, kStream);
    co_return infos.size();
  };
  const std::size_t here = loop_.run(look_up);
  constexpr unsigned kPatience = 20;  // seconds
  EXPECT_EQ(exit_code_of([&] {
              ::alarm(kPatience);
              return WatchedLoop().run(look_up) == here ? 7 : 8;
            }),
            7);
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
