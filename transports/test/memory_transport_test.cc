#include "asyncio/transports/memory_transport.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "asyncio/tasks/coro.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

class MemoryTransportTest : public ::testing::Test {
 protected:
  MemoryTransportTest() {
    const auto [one, other] = asyncio::testing::connect_in_memory(loop_, one_, other_);
    ours_ = one;
    theirs_ = other;
    loop_.run([]() -> Coro<> { co_await turns(1); });
  }

  void run() {
    loop_.run([]() -> Coro<> { co_await turns(20); });
  }

  WatchedLoop loop_;
  std::shared_ptr<Recorder> one_ = std::make_shared<Recorder>();
  std::shared_ptr<Recorder> other_ = std::make_shared<Recorder>();
  std::shared_ptr<Transport> ours_;
  std::shared_ptr<Transport> theirs_;
};

TEST_F(MemoryTransportTest, WhatOneEndWritesTheOtherReceivesInALaterTurn) {
  EXPECT_EQ(one_->transport, ours_.get());
  ours_->write("ab");
  const std::string_view pieces[] = {"c", "", "d"};
  ours_->writelines(pieces);
  EXPECT_EQ(other_->received, "");
  theirs_->write("answer");
  run();
  EXPECT_EQ(other_->received, "abcd");
  EXPECT_EQ(one_->received, "answer");
}

TEST_F(MemoryTransportTest, ClosingSendsTheRestAndEndsBothEnds) {
  const std::string much = noise(1'000'000);
  ours_->write(much);
  ours_->close();
  EXPECT_TRUE(ours_->is_closing());
  run();
  EXPECT_EQ(other_->received, much);
  EXPECT_EQ(one_->calls.back(), "lost");
  EXPECT_EQ(other_->calls, (Calls{"made", "data", "eof", "lost"}));
}

TEST_F(MemoryTransportTest, AbortingDropsIt) {
  ours_->write("x");
  ours_->abort();
  run();
  EXPECT_EQ(other_->received, "");
  EXPECT_TRUE(one_->lost);
  EXPECT_TRUE(other_->lost);
}

TEST_F(MemoryTransportTest, AHalfClosedConnectionGoesOnInTheOtherDirection) {
  other_->stays_open = true;
  ours_->write("last");
  ours_->write_eof();
  EXPECT_THROW(ours_->write("more"), std::runtime_error);
  run();
  EXPECT_EQ(other_->calls, (Calls{"made", "data", "eof"}));
  theirs_->write("answer");
  theirs_->close();
  run();
  EXPECT_EQ(one_->received, "answer");
  EXPECT_TRUE(one_->lost);
}

TEST_F(MemoryTransportTest, APeerThatDoesNotReadPausesTheWriter) {
  theirs_->pause_reading();
  ours_->write(std::string(70'000, 'x'));
  EXPECT_EQ(one_->calls, (Calls{"made", "pause"}));
  run();
  EXPECT_EQ(ours_->get_write_buffer_size(), 70'000u);
  theirs_->resume_reading();
  run();
  EXPECT_EQ(one_->calls, (Calls{"made", "pause", "resume"}));
  EXPECT_EQ(other_->received.size(), 70'000u);
}

TEST_F(MemoryTransportTest, AnExceptionOfTheProtocolIsReportedAndEndsTheConnection) {
  other_->on_data = [] { throw std::runtime_error("oops"); };
  ours_->write("x");
  run();
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol call failed.: oops"});
  EXPECT_EQ(text_of(other_->error), "oops");
  EXPECT_TRUE(one_->lost);
}

}  // namespace
}  // namespace asyncio
