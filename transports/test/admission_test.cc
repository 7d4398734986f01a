#include "transports/src/admission.h"

#include <chrono>
#include <string_view>

#include "asyncio/events/logger.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/server_limits.h"
#include "events/test/captured_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio::internal {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

SocketAddress at(std::string_view host) { return SocketAddress::from_numeric(host, 1234); }

class AdmissionTest : public ::testing::Test {
 protected:
  ~AdmissionTest() override { loop_.close(); }

  // Whether it may enter, and does.
  static bool enters(Admission& admission, const SocketAddress& peer) {
    if (!admission.admits(peer)) return false;
    admission.enter(peer);
    return true;
  }

  VirtualTimeLoop loop_;
  CapturedLog log_;
};

TEST_F(AdmissionTest, AdmitsAsManyAsMayBeThereAtTheSameTime) {
  Admission admission(loop_, {.connections = 2});
  EXPECT_TRUE(enters(admission, at("10.0.0.1")));
  EXPECT_TRUE(enters(admission, at("10.0.0.2")));
  EXPECT_FALSE(enters(admission, at("10.0.0.3")));
  EXPECT_EQ(admission.refused(), 1u);
  admission.leave(at("10.0.0.1"));
  EXPECT_TRUE(enters(admission, at("10.0.0.3")));
  EXPECT_FALSE(enters(admission, at("10.0.0.1")));
  EXPECT_EQ(admission.refused(), 2u);
}

TEST_F(AdmissionTest, AdmitsAsManyOfAPeerWhateverTheirPorts) {
  Admission admission(loop_, {.connections_per_peer = 1});
  EXPECT_TRUE(enters(admission, SocketAddress::from_numeric("10.0.0.1", 1)));
  EXPECT_FALSE(enters(admission, SocketAddress::from_numeric("10.0.0.1", 2)));
  EXPECT_TRUE(enters(admission, at("10.0.0.2")));
  admission.leave(SocketAddress::from_numeric("10.0.0.1", 1));
  EXPECT_TRUE(enters(admission, SocketAddress::from_numeric("10.0.0.1", 3)));
}

TEST_F(AdmissionTest, TakesANetworkOf64BitsForOnePeer) {
  Admission admission(loop_, {.connections_per_peer = 1});
  EXPECT_TRUE(enters(admission, at("2001:db8:0:1::1")));
  EXPECT_FALSE(enters(admission, at("2001:db8:0:1:ffff::2")));
  EXPECT_TRUE(enters(admission, at("2001:db8:0:2::1")));
}

TEST_F(AdmissionTest, TellsIPv4PeersOfASocketOfBothFamiliesApart) {
  Admission admission(loop_, {.connections_per_peer = 1});
  EXPECT_TRUE(enters(admission, at("::ffff:10.0.0.1")));
  EXPECT_FALSE(enters(admission, at("10.0.0.1")));
  EXPECT_TRUE(enters(admission, at("::ffff:10.0.0.2")));
  EXPECT_TRUE(enters(admission, at("::1")));
}

TEST_F(AdmissionTest, DoesNotCountPeersWithoutAnAddress) {
  Admission admission(loop_, {.connections = 3, .connections_per_peer = 1});
  EXPECT_TRUE(enters(admission, SocketAddress()));
  EXPECT_TRUE(enters(admission, SocketAddress()));
  EXPECT_TRUE(enters(admission, SocketAddress::from_path("/run/client")));
  EXPECT_FALSE(enters(admission, SocketAddress()));
  admission.leave(SocketAddress());
  EXPECT_TRUE(enters(admission, SocketAddress()));
}

TEST_F(AdmissionTest, AdmitsEverybodyIfTheLimitsAreOff) {
  Admission admission(loop_, {.connections = 0, .connections_per_peer = 0});
  for (int i = 0; i < 30'000; ++i) EXPECT_TRUE(enters(admission, at("10.0.0.1")));
  EXPECT_EQ(admission.refused(), 0u);
  EXPECT_THAT(log_.messages, IsEmpty());
}

TEST_F(AdmissionTest, WarnsAtMostOnceAMinute) {
  Admission admission(loop_, {.connections = 1, .connections_per_peer = 1});
  admission.enter(at("10.0.0.1"));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(admission.admits(at("10.0.0.2")));
  EXPECT_THAT(log_.messages, ElementsAre("connection from '10.0.0.2:1234' refused: the server has "
                                         "as many as it may have; 1 refused so far"));
  EXPECT_THAT(log_.severities, ElementsAre(LogSeverity::kWarning));
  loop_.advance(59s);
  EXPECT_FALSE(admission.admits(at("10.0.0.2")));
  EXPECT_EQ(log_.messages.size(), 1u);
  loop_.advance(1s);
  EXPECT_FALSE(admission.admits(at("10.0.0.3")));
  EXPECT_EQ(log_.messages.size(), 2u);
  EXPECT_EQ(log_.messages.back(),
            "connection from '10.0.0.3:1234' refused: the server has as many as it may have; 1002 "
            "refused so far");
}

// A client of a Unix socket names itself.
TEST_F(AdmissionTest, APeersNameMakesNoLinesOfItsOwnInTheLog) {
  Admission admission(loop_, {.connections = 1});
  admission.enter(SocketAddress());
  EXPECT_FALSE(admission.admits(SocketAddress::from_path("/run/x\nall is well\x1b[2J")));
  EXPECT_THAT(
      log_.messages,
      ElementsAre("connection from '/run/x\\nall is well\\x1b[2J' refused: the server has as "
                  "many as it may have; 1 refused so far"));
}

TEST_F(AdmissionTest, SaysWhenItIsThePeerThatHasTooMany) {
  Admission admission(loop_, {.connections_per_peer = 1});
  admission.enter(at("10.0.0.1"));
  EXPECT_FALSE(admission.admits(at("10.0.0.1")));
  EXPECT_THAT(log_.messages, ElementsAre("connection from '10.0.0.1:1234' refused: its peer has as "
                                         "many as it may have; 1 refused so far"));
}

}  // namespace
}  // namespace asyncio::internal
