#include "transports/src/bind_sockets.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <vector>

#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio::internal {
namespace {

using ::testing::IsEmpty;

constexpr BindOptions kPlain{.reuse_address = true, .reuse_port = false, .keep_alive = false};

SocketAddress address_of(std::string_view host, std::uint16_t port = 0) {
  return SocketAddress::from_numeric(host, port);
}

std::exception_ptr failure_of_binding(const std::vector<SocketAddress>& addresses,
                                      BindOptions options = kPlain) {
  try {
    bind_sockets(addresses, options);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

TEST(BindSockets, GivesASocketForEachAddressThatDoesNotListenYet) {
  const std::vector<Socket> sockets =
      bind_sockets({address_of("127.0.0.1"), address_of("::1")}, kPlain);
  ASSERT_EQ(sockets.size(), 2u);
  EXPECT_EQ(sockets[0].getsockname().host(), "127.0.0.1");
  EXPECT_EQ(sockets[1].getsockname().host(), "::1");
  for (const Socket& socket : sockets) {
    EXPECT_NE(socket.getsockname().port(), 0);
    EXPECT_EQ(socket.option(SOL_SOCKET, SO_ACCEPTCONN), 0);
  }
}

TEST(BindSockets, LetsBothFamiliesShareAPort) {
  const std::uint16_t port = unused_port("::");
  const auto sockets = bind_sockets({address_of("0.0.0.0", port), address_of("::", port)}, kPlain);
  EXPECT_EQ(sockets.size(), 2u);
}

TEST(BindSockets, SetsTheOptionsThatAreAskedFor) {
  for (const bool on : {false, true}) {
    const BindOptions options{.reuse_address = on, .reuse_port = on, .keep_alive = on};
    const std::vector<Socket> sockets = bind_sockets({address_of("127.0.0.1")}, options);
    EXPECT_EQ(sockets[0].option(SOL_SOCKET, SO_REUSEADDR) != 0, on);
    EXPECT_EQ(sockets[0].option(SOL_SOCKET, SO_REUSEPORT) != 0, on);
    EXPECT_EQ(sockets[0].option(SOL_SOCKET, SO_KEEPALIVE) != 0, on);
  }
}

TEST(BindSockets, LeavesOutAnAddressOfAnotherMachine) {
  const std::vector<Socket> sockets =
      bind_sockets({address_of("192.0.2.1"), address_of("127.0.0.1")}, kPlain);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(sockets[0].getsockname().host(), "127.0.0.1");
}

TEST(BindSockets, WithNoAddressLeftSaysWhichThereWere) {
  const std::exception_ptr error =
      failure_of_binding({address_of("192.0.2.1", 80), address_of("2001:db8::1")});
  EXPECT_TRUE(holds<OsError>(error));
  EXPECT_EQ(text_of(error),
            "could not bind on any address out of [192.0.2.1:80, [2001:db8::1]:0]: Cannot assign "
            "requested address");
  EXPECT_EQ(text_of(failure_of_binding({})),
            "could not bind on any address out of []: Cannot assign requested address");
}

TEST(BindSockets, OneThatFailsClosesTheOthersAndIsNamed) {
  const asyncio::Listener listener;
  const OpenDescriptors before;
  const std::exception_ptr error =
      failure_of_binding({address_of("127.0.0.1"), listener.address()});
  EXPECT_TRUE(holds<OsError>(error));
  EXPECT_EQ(text_of(error), "error while attempting to bind on address " +
                                listener.address().to_string() + ": Address already in use");
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

TEST(BindSockets, RefusesToSharePortsWhereTheSystemCannot) {
  EXPECT_EQ(
      exit_code_of([] {
        refuse_system_call(SYS_setsockopt, ENOPROTOOPT);
        const BindOptions shared{.reuse_address = false, .reuse_port = true, .keep_alive = false};
        const std::exception_ptr error = failure_of_binding({address_of("127.0.0.1")}, shared);
        return holds<std::invalid_argument>(error) ? 0 : 1;
      }),
      0);
}

}  // namespace
}  // namespace asyncio::internal
