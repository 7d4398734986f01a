#include "transports/src/silence_watch.h"

#include <fcntl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/transports/sendfile.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio::internal {
namespace {

using namespace std::chrono_literals;

// A connection and its peer.
struct Watched {
  explicit Watched(EventLoop& loop, Ends ends = connected_ends())
      : peer(std::move(ends.peer)),
        transport(SocketTransport::start(loop, std::move(ends.ours), protocol, nullptr)) {}

  std::shared_ptr<Recorder> protocol = std::make_shared<Recorder>();
  Peer peer;
  std::shared_ptr<SocketTransport> transport;
};

class SilenceWatchTest : public ::testing::Test {
 protected:
  ~SilenceWatchTest() override { loop_.close(); }

  // How long the connection, silent from now on, lives.
  Coro<Duration> time_to_end(std::shared_ptr<Recorder> protocol) {
    const TimePoint begin = loop_.time();
    while (!protocol->lost) co_await sleep(1ms);
    co_return loop_.time() - begin;
  }

  template <class F>
  void run(F main) {
    run_until_complete(loop_, main());
  }

  VirtualTimeLoop loop_;
};

// Whenever it comes between two of the watch's looks, for which the first connection sets the beat.
TEST_F(SilenceWatchTest, AbortsASilentConnectionAfterTheLimitAndNoLaterThanAQuarterOfIt) {
  for (const Duration later : {0s, 1s, 7s, 14s, 16s}) {
    run([&]() -> Coro<> {
      SilenceWatch watch(loop_, 60s, "too long", nullptr);
      const Watched first(loop_);
      watch.add(*first.transport);
      co_await sleep(later);
      const Watched second(loop_);
      watch.add(*second.transport);
      const Duration life = co_await time_to_end(second.protocol);
      EXPECT_GE(life, 60s);
      EXPECT_LE(life, 75s + 10ms);
      EXPECT_EQ(second.protocol->calls, (Calls{"made", "lost: too long"}));
      EXPECT_TRUE(holds<TimeoutError>(second.protocol->error));
    });
  }
}

TEST_F(SilenceWatchTest, BytesInEitherDirectionBreakTheSilence) {
  for (const bool inwards : {false, true}) {
    run([&]() -> Coro<> {
      SilenceWatch watch(loop_, 4s, "too long", nullptr);
      const Watched watched(loop_);
      watch.add(*watched.transport);
      for (int i = 0; i < 10; ++i) {
        co_await sleep(3s);
        if (inwards) watched.peer.send("x");
        if (!inwards) watched.transport->write("x");
      }
      EXPECT_FALSE(watched.protocol->lost);
      const Duration rest = co_await time_to_end(watched.protocol);
      EXPECT_GE(rest, 4s);
      EXPECT_LE(rest, 5s + 10ms);
    });
  }
}

TEST_F(SilenceWatchTest, SoDoesAFileThatIsSentPastTheTransport) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    const Watched watched(loop_);
    co_await turns(2);
    watch.add(*watched.transport);
    const FileDescriptor file(check(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
    co_await sleep(3s);
    co_await sendfile(*watched.transport, file.get(), SendfileOptions{.count = 100});
    const Duration rest = co_await time_to_end(watched.protocol);
    EXPECT_GE(rest, 4s);
  });
}

TEST_F(SilenceWatchTest, APeerThatTakesNothingIsSilentHoweverMuchIsWritten) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    const Watched watched(loop_);
    watched.transport->write(std::string(16 << 20, 'x'));
    watch.add(*watched.transport);
    co_await sleep(3s);
    watched.transport->write("more");
    const Duration rest = co_await time_to_end(watched.protocol);
    EXPECT_LE(rest, 3s);
  });
}

TEST_F(SilenceWatchTest, APeerThatTakesALittleNowAndThenIsNotSilent) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    const Watched watched(loop_,
                          connected_ends({.send_buffer = 4096, .peer_receive_buffer = 4096}));
    watched.transport->write(noise(1 << 20));
    watch.add(*watched.transport);
    for (int i = 0; i < 10; ++i) {
      co_await sleep(2s);
      co_await watched.peer.recv_all(32 * 1024);
    }
    EXPECT_FALSE(watched.protocol->lost);
  });
}

TEST_F(SilenceWatchTest, AConnectionThatIsClosingIsWatchedStill) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    const Watched watched(loop_);
    watch.add(*watched.transport);
    watched.transport->write(std::string(16 << 20, 'x'));
    watched.transport->close();
    const Duration rest = co_await time_to_end(watched.protocol);
    EXPECT_LE(rest, 10s);
    EXPECT_TRUE(holds<TimeoutError>(watched.protocol->error));
  });
}

TEST_F(SilenceWatchTest, WhoBreaksTheSilenceGoesOverToTheNextWatch) {
  run([&]() -> Coro<> {
    SilenceWatch later(loop_, 100s, "later", nullptr);
    SilenceWatch first(loop_, 4s, "first", &later);
    const Watched mute(loop_);
    const Watched talker(loop_);
    first.add(*mute.transport);
    first.add(*talker.transport);
    talker.peer.send("x");
    co_await time_to_end(mute.protocol);
    EXPECT_EQ(text_of(mute.protocol->error), "first");
    const Duration rest = co_await time_to_end(talker.protocol);
    EXPECT_GE(rest, 95s);
    EXPECT_EQ(text_of(talker.protocol->error), "later");
  });
}

TEST_F(SilenceWatchTest, ALongLimitBeforeAShortOneDoesNotStretchIt) {
  run([&]() -> Coro<> {
    SilenceWatch later(loop_, 4s, "later", nullptr);
    SilenceWatch first(loop_, 100s, "first", &later);
    const TimePoint begin = loop_.time();
    const Watched mute(loop_);
    const Watched talker(loop_);
    first.add(*mute.transport);
    first.add(*talker.transport);
    talker.peer.send("x");
    const Duration life = co_await time_to_end(talker.protocol);
    EXPECT_EQ(text_of(talker.protocol->error), "later");
    EXPECT_GE(life, 4s);
    EXPECT_LE(life, 6s + 10ms);
    co_await time_to_end(mute.protocol);
    EXPECT_GE(loop_.time() - begin, 100s);
    EXPECT_LE(loop_.time() - begin, 101s + 10ms);
  });
}

TEST_F(SilenceWatchTest, OneThatIsOffHandsOverAtOnce) {
  for (const Duration off : {Duration(), Duration::infinite(), Duration(-1s)}) {
    run([&]() -> Coro<> {
      SilenceWatch later(loop_, 4s, "later", nullptr);
      SilenceWatch never(loop_, off, "never", &later);
      const Watched watched(loop_);
      never.add(*watched.transport);
      co_await time_to_end(watched.protocol);
      EXPECT_EQ(text_of(watched.protocol->error), "later");
    });
  }
}

TEST_F(SilenceWatchTest, OneThatIsOffWatchesNobody) {
  run([&]() -> Coro<> {
    SilenceWatch never(loop_, Duration(), "never", nullptr);
    const Watched watched(loop_);
    never.add(*watched.transport);
    co_await sleep(1000h);
    EXPECT_FALSE(watched.protocol->lost);
  });
}

TEST_F(SilenceWatchTest, AConnectionThatWasRemovedMayGo) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    std::optional<Watched> watched(std::in_place, loop_);
    watch.add(*watched->transport);
    watched->transport->unlink();
    watched->transport->abort();
    co_await turns(3);
    watched.reset();
    co_await sleep(10s);
  });
}

TEST_F(SilenceWatchTest, WithoutConnectionsThereIsNoTimer) {
  run([&]() -> Coro<> {
    SilenceWatch watch(loop_, 4s, "too long", nullptr);
    EXPECT_EQ(loop_.wait_limit(), std::nullopt);
    const Watched watched(loop_);
    watch.add(*watched.transport);
    watched.transport->unlink();
    co_await sleep(2s);
    EXPECT_EQ(loop_.wait_limit(), std::nullopt);
  });
}

}  // namespace
}  // namespace asyncio::internal
