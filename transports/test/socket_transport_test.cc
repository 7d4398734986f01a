#include "transports/src/socket_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <any>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/transport_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

// A connection between a transport with a Recorder and a peer.
struct Line {
  Line(EventLoop& loop, EndsOptions options) : Line(loop, connected_ends(options)) {}
  Line(EventLoop& loop, Ends ends)
      : recorder(std::make_shared<Recorder>()),
        transport(SocketTransport::start(loop, std::move(ends.ours), recorder, nullptr)),
        peer(std::move(ends.peer)) {}

  std::shared_ptr<Recorder> recorder;
  std::shared_ptr<Transport> transport;
  Peer peer;
};

class SocketTransportTest : public ::testing::Test {
 protected:
  Line connect(EndsOptions options = EndsOptions()) { return Line(loop_, options); }

  // Writes until the kernel takes no more, so that exactly `size` bytes are buffered here. Returns
  // what was written.
  static std::string fill(Transport& transport, std::size_t size) {
    std::string written;
    const std::string block = noise(4096);
    while (transport.get_write_buffer_size() == 0) {
      transport.write(block);
      written += block;
    }
    EXPECT_LE(transport.get_write_buffer_size(), size);
    const std::string rest = noise(size - transport.get_write_buffer_size(), 2);
    transport.write(rest);
    EXPECT_EQ(transport.get_write_buffer_size(), size);
    return written + rest;
  }

  void wait_until_lost(const Line& line) {
    loop_.run([&]() -> Coro<> { co_await until([&] { return line.recorder->lost; }); });
  }

  WatchedLoop loop_;
};

// Life.

TEST_F(SocketTransportTest, ProtocolHearsMadeThenDataThenEofThenLost) {
  Line line = connect();
  line.peer.send("hello");
  line.peer.close();
  wait_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "eof", "lost"}));
  EXPECT_EQ(line.recorder->received, "hello");
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(SocketTransportTest, NothingIsCalledFromInsideStart) {
  Line line = connect();
  EXPECT_TRUE(line.recorder->calls.empty());
  EXPECT_FALSE(line.transport->is_closing());
}

TEST_F(SocketTransportTest, ConnectionLostIsNotCalledFromInsideCloseOrAbort) {
  for (const bool abort : {false, true}) {
    Line line = connect();
    loop_.run([&]() -> Coro<> {
      co_await until([&] { return line.recorder->transport != nullptr; });
      abort ? line.transport->abort() : line.transport->close();
      EXPECT_TRUE(line.transport->is_closing());
      EXPECT_EQ(line.recorder->calls, Calls{"made"});
      co_await turns(1);
      EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
    });
    EXPECT_EQ(line.peer.recv_now(), "");
  }
}

TEST_F(SocketTransportTest, CloseAndAbortMayBeRepeatedAndMixed) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    line.transport->close();
    line.transport->close();
    line.transport->abort();
    line.transport->abort();
    co_await turns(3);
    line.transport->close();
    line.transport->abort();
    co_await turns(3);
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(SocketTransportTest, ClosedInsideConnectionMadeItReceivesNothing) {
  Line line = connect();
  line.peer.send("waiting already");
  line.recorder->on_made = [&] { line.transport->close(); };
  wait_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(SocketTransportTest, ClosedOrAbortedInsideDataReceivedItIsLostOnce) {
  for (const bool abort : {false, true}) {
    Line line = connect();
    line.recorder->on_data = [&] { abort ? line.transport->abort() : line.transport->close(); };
    line.peer.send("x");
    wait_until_lost(line);
    loop_.run([]() -> Coro<> { co_await turns(5); });
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "lost"}));
  }
}

TEST_F(SocketTransportTest, ClosedOrAbortedInsideEofReceivedItIsLostOnce) {
  for (const bool abort : {false, true}) {
    Line line = connect();
    line.recorder->stays_open = abort;
    line.recorder->on_eof = [&] { abort ? line.transport->abort() : line.transport->close(); };
    line.peer.shutdown_write();
    wait_until_lost(line);
    loop_.run([]() -> Coro<> { co_await turns(5); });
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
  }
}

TEST_F(SocketTransportTest, EverythingMayBeCalledInsideConnectionLost) {
  Line line = connect();
  line.recorder->on_lost = [&] {
    line.transport->write("nobody gets this");
    line.transport->close();
    line.transport->abort();
    line.transport->pause_reading();
    line.transport->resume_reading();
    line.transport->write_eof();
    line.transport->set_protocol(std::make_shared<Recorder>());
  };
  line.peer.close();
  wait_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(SocketTransportTest, AfterConnectionLostEveryCallIsLegalAndDoesNothing) {
  Line line = connect();
  line.peer.close();
  wait_until_lost(line);
  Transport& transport = *line.transport;
  transport.write("x");
  const std::string_view pieces[] = {"a", "b"};
  transport.writelines(pieces);
  transport.write_eof();
  transport.close();
  transport.abort();
  transport.pause_reading();
  transport.resume_reading();
  transport.set_write_buffer_limits(0);
  transport.set_protocol(std::make_shared<Recorder>());
  loop_.run([]() -> Coro<> { co_await turns(5); });
  EXPECT_TRUE(transport.is_closing());
  EXPECT_FALSE(transport.is_reading());
  EXPECT_EQ(transport.get_protocol(), nullptr);
  EXPECT_EQ(transport.get_write_buffer_size(), 0u);
  EXPECT_EQ(transport.fileno(), -1);
  EXPECT_EQ(transport.sockname(), SocketAddress());
  EXPECT_NE(transport.peername(), SocketAddress()) << "who it was is still known";
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
}

TEST_F(SocketTransportTest, TheDescriptorIsOpenDuringConnectionLostAndClosedAfterIt) {
  const OpenDescriptors before;
  Line line = connect();
  int during = -1;
  line.recorder->on_lost = [&] { during = line.transport->fileno(); };
  line.transport->close();
  wait_until_lost(line);
  EXPECT_NE(during, -1);
  EXPECT_EQ(line.transport->fileno(), -1);
  line.peer.close();
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(SocketTransportTest, TheLoopKeepsTheConnectionAliveAndNothingElseNeedsTo) {
  auto recorder = std::make_shared<Recorder>();
  const std::weak_ptr<Recorder> alive = recorder;
  Ends ends = connected_ends();
  SocketTransport::start(loop_, std::move(ends.ours), std::move(recorder), nullptr);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    EXPECT_FALSE(alive.expired());
    ends.peer.send("x");
    co_await until([&] { return alive.lock()->received == "x"; });
    ends.peer.close();
    co_await until([&] { return alive.expired(); });
  });
}

TEST_F(SocketTransportTest, ClosingTheLoopTellsEveryProtocolOnce) {
  const OpenDescriptors before;
  auto loop = std::make_unique<WatchedLoop>();
  Line idle(*loop, EndsOptions());
  Line sending(*loop, kNarrow);
  Line closing(*loop, kNarrow);
  loop->run([&]() -> Coro<> {
    co_await turns(3);
    fill(*sending.transport, 100'000);
    fill(*closing.transport, 100'000);
    closing.transport->close();
  });
  loop->close();
  const std::string why = "the event loop was closed: Software caused connection abort";
  EXPECT_EQ(idle.recorder->calls, (Calls{"made", "lost: " + why}));
  EXPECT_EQ(sending.recorder->calls, (Calls{"made", "pause", "lost: " + why}));
  EXPECT_EQ(closing.recorder->calls, (Calls{"made", "pause", "lost: " + why}));
  EXPECT_TRUE(holds<ConnectionAbortedError>(idle.recorder->error));
  loop.reset();
  for (Line* line : {&idle, &sending, &closing}) {
    line->transport->write("x");
    line->transport->close();
    line->transport->abort();
    line->transport->resume_reading();
    line->transport->set_write_buffer_limits(0);
    line->peer.close();
  }
  EXPECT_THAT(before.opened_since(), ::testing::IsEmpty());
}

TEST_F(SocketTransportTest, AConnectionThatWasClosedJustBeforeTheLoopIsLostOnceToo) {
  auto loop = std::make_unique<WatchedLoop>();
  Line line(*loop, EndsOptions());
  loop->run([&]() -> Coro<> { co_await turns(3); });
  line.transport->close();
  loop->close();
  EXPECT_EQ(line.recorder->calls.size(), 2u);
  EXPECT_TRUE(line.recorder->lost);
}

TEST_F(SocketTransportTest, AConnectionThatWasNeverMadeIsNeverLost) {
  auto loop = std::make_unique<WatchedLoop>();
  Line line(*loop, EndsOptions());
  loop->close();
  EXPECT_EQ(line.recorder->calls, Calls{});
  EXPECT_EQ(line.transport->fileno(), -1);
}

TEST_F(SocketTransportTest, AnExceptionInConnectionLostWhileTheLoopClosesIsReported) {
  WatchedLoop loop;
  Line first(loop, EndsOptions());
  Line second(loop, EndsOptions());
  for (Line* line : {&first, &second}) {
    line->recorder->on_lost = [] { throw std::runtime_error("not now"); };
  }
  loop.run([&]() -> Coro<> { co_await turns(3); });
  loop.close();
  EXPECT_EQ(loop.reports(), Calls(2, "Exception in connection_lost: not now"));
  EXPECT_EQ(first.transport->fileno(), -1);
  EXPECT_EQ(second.transport->fileno(), -1);
}

TEST_F(SocketTransportTest, AResetByThePeerIsToldToTheProtocolOnly) {
  Line line = connect();
  loop_.run([&]() -> Coro<> { co_await turns(3); });
  line.peer.reset();
  wait_until_lost(line);
  EXPECT_TRUE(holds<ConnectionResetError>(line.recorder->error));
  EXPECT_EQ(line.recorder->calls.size(), 2u);
  EXPECT_TRUE(loop_.reports().empty());
}

// Exceptions in callbacks.

TEST_F(SocketTransportTest, AnExceptionInConnectionMadeIsReportedAndTheConnectionStays) {
  Line line = connect();
  line.recorder->on_made = [] { throw std::runtime_error("oops"); };
  line.peer.send("still here");
  loop_.run(
      [&]() -> Coro<> { co_await until([&] { return line.recorder->received == "still here"; }); });
  EXPECT_EQ(loop_.reports(), Calls{"Exception in callback: oops"});
  EXPECT_FALSE(line.transport->is_closing());
}

TEST_F(SocketTransportTest, AnExceptionInDataReceivedIsReportedAndEndsTheConnectionWithIt) {
  Line line = connect();
  line.recorder->on_data = [] { throw std::runtime_error("oops"); };
  line.peer.send("x");
  wait_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "lost: oops"}));
  EXPECT_TRUE(holds<std::runtime_error>(line.recorder->error));
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol.data_received() call failed.: oops"});
}

TEST_F(SocketTransportTest,
       AnExceptionInDataReceivedAfterItsOwnCloseIsReportedAndLostIsCalledOnce) {
  Line line = connect();
  line.recorder->on_data = [&] {
    line.transport->close();
    throw std::runtime_error("oops");
  };
  line.peer.send("x");
  wait_until_lost(line);
  loop_.run([]() -> Coro<> { co_await turns(5); });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "lost"}));
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol.data_received() call failed.: oops"});
}

TEST_F(SocketTransportTest, AnExceptionInEofReceivedIsReportedAndEndsTheConnectionWithIt) {
  Line line = connect();
  line.recorder->on_eof = [] { throw std::runtime_error("oops"); };
  line.peer.shutdown_write();
  wait_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost: oops"}));
  EXPECT_EQ(loop_.reports(), Calls{"Fatal error: protocol.eof_received() call failed.: oops"});
}

TEST_F(SocketTransportTest, AnExceptionInConnectionLostIsReportedAndTheDescriptorIsClosed) {
  Line line = connect();
  line.recorder->on_lost = [] { throw std::runtime_error("oops"); };
  line.peer.close();
  loop_.run([&]() -> Coro<> { co_await until([&] { return line.transport->fileno() == -1; }); });
  EXPECT_EQ(loop_.reports(), Calls{"Exception in callback: oops"});
}

TEST_F(SocketTransportTest, AnExceptionInConnectionLostAfterTheLastFlushIsReportedToo) {
  Line line = connect(kNarrow);
  line.recorder->on_lost = [] { throw std::runtime_error("oops"); };
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->close();
    EXPECT_EQ(co_await line.peer.recv_all(), sent);
    co_await until([&] { return line.transport->fileno() == -1; });
  });
  EXPECT_EQ(loop_.reports(), Calls{"Exception in callback: oops"});
}

TEST_F(SocketTransportTest, AFatalErrorInDataReceivedLeavesTheLoopAndTheConnectionEndsWithIt) {
  Line line = connect();
  line.recorder->on_data = [] { throw SystemExit(3); };
  line.peer.send("x");
  EXPECT_THROW(loop_.run_forever(), SystemExit);
  wait_until_lost(line);
  EXPECT_TRUE(holds<SystemExit>(line.recorder->error));
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "lost: SystemExit"}));
}

TEST_F(SocketTransportTest, AFailingConnectionDoesNotDisturbTheOthers) {
  Line good = connect();
  Line bad = connect();
  bad.recorder->on_data = [] { throw std::runtime_error("oops"); };
  loop_.run([&]() -> Coro<> {
    bad.peer.send("x");
    good.peer.send("one ");
    co_await until([&] { return bad.recorder->lost; });
    good.peer.send("two");
    co_await until([&] { return good.recorder->received == "one two"; });
  });
  EXPECT_FALSE(good.transport->is_closing());
}

// Receiving.

TEST_F(SocketTransportTest, AStreamLargerThanTheReceiveBufferArrivesWhole) {
  Line line = connect();
  const std::string sent = noise(3 << 20);
  std::size_t done = 0;
  loop_.run([&]() -> Coro<> {
    while (line.recorder->received.size() < sent.size()) {
      const ssize_t some = ::send(line.peer.fileno(), sent.data() + done, sent.size() - done,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (some > 0) done += static_cast<std::size_t>(some);
      co_await turns(1);
    }
  });
  EXPECT_TRUE(line.recorder->received == sent);
}

TEST_F(SocketTransportTest, PausedItReceivesNothingUntilResumed) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    EXPECT_TRUE(line.transport->is_reading());
    line.transport->pause_reading();
    line.transport->pause_reading();
    EXPECT_FALSE(line.transport->is_reading());
    line.peer.send("x");
    co_await until([&] { return is_readable(line.transport->fileno()); });
    co_await turns(5);
    EXPECT_EQ(line.recorder->received, "");
    line.transport->resume_reading();
    line.transport->resume_reading();
    EXPECT_TRUE(line.transport->is_reading());
    co_await until([&] { return line.recorder->received == "x"; });
  });
}

TEST_F(SocketTransportTest, PausedInsideConnectionMadeItReceivesNothingUntilResumed) {
  Line line = connect();
  line.peer.send("x");
  line.recorder->on_made = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    co_await until([&] { return is_readable(line.transport->fileno()); });
    co_await turns(5);
    EXPECT_EQ(line.recorder->calls, Calls{"made"});
    line.transport->resume_reading();
    co_await until([&] { return line.recorder->received == "x"; });
  });
}

TEST_F(SocketTransportTest, PausedAndResumedInsideConnectionMadeItReceives) {
  Line line = connect();
  line.peer.send("x");
  line.recorder->on_made = [&] {
    line.transport->pause_reading();
    line.transport->resume_reading();
  };
  loop_.run([&]() -> Coro<> { co_await until([&] { return line.recorder->received == "x"; }); });
}

TEST_F(SocketTransportTest, PausedInsideDataReceivedItKeepsTheRestForLater) {
  Line line = connect();
  line.recorder->on_data = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    line.peer.send("first");
    co_await until([&] { return line.recorder->received == "first"; });
    line.peer.send(" second");
    co_await until([&] { return is_readable(line.transport->fileno()); });
    co_await turns(5);
    EXPECT_EQ(line.recorder->received, "first");
    line.transport->resume_reading();
    co_await until([&] { return line.recorder->received == "first second"; });
  });
}

TEST_F(SocketTransportTest, PausedItDoesNotNoticeTheEndOfTheStream) {
  Line line = connect();
  line.recorder->on_made = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    line.peer.shutdown_write();
    co_await until([&] { return is_readable(line.transport->fileno()); });
    co_await turns(5);
    EXPECT_EQ(line.recorder->calls, Calls{"made"});
    line.transport->resume_reading();
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
}

TEST_F(SocketTransportTest, WhileClosingItCannotBeMadeToReadAgain) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    line.transport->pause_reading();
    fill(*line.transport, 10'000);
    line.peer.send("too late");
    line.transport->close();
    line.transport->resume_reading();
    EXPECT_FALSE(line.transport->is_reading());
    line.transport->pause_reading();
    line.transport->resume_reading();
    co_await turns(5);
    EXPECT_EQ(line.recorder->received, "");
    line.transport->abort();
    co_await until([&] { return line.recorder->lost; });
  });
}

TEST_F(SocketTransportTest, KeptOpenAfterTheEndOfTheStreamItStillSendsAndDoesNotSpin) {
  Line line = connect();
  line.recorder->stays_open = true;
  loop_.run([&]() -> Coro<> {
    line.peer.shutdown_write();
    co_await until([&] { return line.recorder->calls.back() == "eof"; });
    EXPECT_FALSE(line.transport->is_reading());
    line.transport->pause_reading();
    line.transport->resume_reading();
    EXPECT_FALSE(line.transport->is_reading());
    const int before = loop_.turns();
    co_await sleep(std::chrono::milliseconds(20));
    EXPECT_LE(loop_.turns() - before, 4);
    line.transport->write("answer");
    EXPECT_EQ(co_await line.peer.recv(), "answer");
    line.transport->close();
    EXPECT_EQ(co_await line.peer.recv(), "");
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
}

TEST_F(SocketTransportTest, AProtocolSetInsideDataReceivedHearsTheRestAndNotMade) {
  auto first = std::make_shared<Recorder>();
  const auto second = std::make_shared<Recorder>();
  Ends ends = connected_ends();
  const auto transport = SocketTransport::start(loop_, std::move(ends.ours), first, nullptr);
  Recorder* calling = first.get();
  calling->on_data = [&, calling] {
    transport->set_protocol(second);
    first.reset();
    EXPECT_EQ(calling->received, "one") << "the protocol that is calling must live on";
  };
  loop_.run([&]() -> Coro<> {
    ends.peer.send("one");
    co_await until([&] { return transport->get_protocol() == second; });
    ends.peer.send("two");
    ends.peer.close();
    co_await until([&] { return second->lost; });
  });
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(second->calls, (Calls{"data", "eof", "lost"}));
  EXPECT_EQ(second->received, "two");
}

TEST_F(SocketTransportTest, AbortedByAnotherConnectionInTheSameTurnItReceivesNothing) {
  Line first = connect();
  Line second = connect();
  loop_.run([&]() -> Coro<> { co_await turns(3); });
  // Whichever is called first aborts the other one, whose data is there already.
  first.recorder->on_data = [&] { second.transport->abort(); };
  second.recorder->on_data = [&] { first.transport->abort(); };
  first.peer.send("x");
  second.peer.send("x");
  loop_.run([&]() -> Coro<> {
    co_await until([&] { return first.recorder->lost || second.recorder->lost; });
    co_await turns(5);
  });
  EXPECT_NE(first.recorder->lost, second.recorder->lost);
  EXPECT_EQ(first.recorder->received + second.recorder->received, "x");
}

// Sending.

TEST_F(SocketTransportTest, WhatTheKernelTakesAtOnceIsSentFromInsideWrite) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    line.transport->write("hello ");
    line.transport->write("");
    line.transport->write("world");
    EXPECT_EQ(line.transport->get_write_buffer_size(), 0u);
    EXPECT_EQ(co_await line.peer.recv_all(11), "hello world");
  });
  EXPECT_EQ(line.recorder->calls, Calls{"made"});
}

TEST_F(SocketTransportTest, SmallMessagesAreNotDelayed) {
  Line line = connect();
  int value = 0;
  socklen_t size = sizeof value;
  check(::getsockopt(line.transport->fileno(), IPPROTO_TCP, TCP_NODELAY, &value, &size),
        "getsockopt");
  EXPECT_NE(value, 0);
}

TEST_F(SocketTransportTest, TheTwoEndsOfTheConnectionAreKnown) {
  Line line = connect();
  const int fd = line.peer.fileno();
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  check(::getsockname(fd, reinterpret_cast<sockaddr*>(&peer), &size), "getsockname");
  EXPECT_EQ(line.transport->peername(), SocketAddress(reinterpret_cast<sockaddr*>(&peer), size));
  EXPECT_EQ(line.transport->sockname().host(), "127.0.0.1");
  EXPECT_TRUE(line.transport->can_write_eof());
}

TEST_F(SocketTransportTest, WhatTheKernelDoesNotTakeIsSentLaterInOrder) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    std::string sent = fill(*line.transport, 50'000);
    for (int i = 0; i < 100; ++i) {
      const std::string more =
          noise(static_cast<std::size_t>(i) * 10, static_cast<std::uint32_t>(i));
      line.transport->write(more);
      sent += more;
    }
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent);
    co_await until([&] { return line.transport->get_write_buffer_size() == 0; });
    const int before = loop_.turns();
    co_await sleep(std::chrono::milliseconds(20));
    EXPECT_LE(loop_.turns() - before, 4) << "it must not wait for writing with nothing to write";
  });
}

TEST_F(SocketTransportTest, WrittenWhileClosingWithDataPendingItIsStillSent) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->close();
    line.transport->write("and this");
    EXPECT_TRUE(co_await line.peer.recv_all() == sent + "and this");
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->error, nullptr);
}

TEST_F(SocketTransportTest, DroppedWritesAreWarnedOfFromTheFifth) {
  Line line = connect();
  std::vector<std::string> warnings;
  LogSink before = set_log_sink([&](LogSeverity severity, std::string_view message) {
    EXPECT_EQ(severity, LogSeverity::kWarning);
    warnings.emplace_back(message);
  });
  line.transport->close();
  for (int i = 0; i < 4; ++i) line.transport->write("x");
  line.transport->write("");
  EXPECT_EQ(warnings, Calls{});
  line.transport->write("x");
  EXPECT_EQ(warnings, Calls{"socket.send() raised exception."});
  wait_until_lost(line);
  const std::string_view pieces[] = {"a", "b"};
  line.transport->writelines(pieces);
  EXPECT_EQ(warnings, Calls(2, "socket.send() raised exception."));
  set_log_sink(std::move(before));
  EXPECT_EQ(line.peer.recv_now(), "");
}

TEST_F(SocketTransportTest, WriteEofEndsTheStreamForThePeerWhileReceivingGoesOn) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    line.transport->write("question");
    line.transport->write_eof();
    line.transport->write_eof();
    EXPECT_EQ(co_await line.peer.recv_all(), "question");
    EXPECT_FALSE(line.transport->is_closing());
    line.peer.send("answer");
    co_await until([&] { return line.recorder->received == "answer"; });
    EXPECT_THROW(line.transport->write("more"), std::runtime_error);
    const std::string_view pieces[] = {"more"};
    EXPECT_THROW(line.transport->writelines(pieces), std::runtime_error);
  });
}

TEST_F(SocketTransportTest, WriteEofWaitsForWhatIsBuffered) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->write_eof();
    EXPECT_THROW(line.transport->write("x"), std::runtime_error);
    EXPECT_TRUE(co_await line.peer.recv_all() == sent);
    line.peer.send("still open");
    co_await until([&] { return line.recorder->received == "still open"; });
  });
  EXPECT_FALSE(line.transport->is_closing());
}

TEST_F(SocketTransportTest, WriteEofWhileClosingHasNoEffect) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->close();
    line.transport->write_eof();
    line.transport->write("more");
    EXPECT_TRUE(co_await line.peer.recv_all() == sent + "more");
  });
}

TEST_F(SocketTransportTest, CloseAfterWriteEofSendsWhatIsBuffered) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->write_eof();
    line.transport->close();
    EXPECT_TRUE(co_await line.peer.recv_all() == sent);
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(SocketTransportTest, WriteEofOnAConnectionThatThePeerHasResetThrowsNothing) {
  Line line = connect();
  line.recorder->on_made = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    line.peer.reset();
    co_await until([&] { return is_readable(line.transport->fileno()); });
    line.transport->write_eof();
    line.transport->resume_reading();
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_TRUE(holds<OsError>(line.recorder->error));
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(SocketTransportTest, AbortDropsWhatIsBuffered) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 1 << 20);
    line.transport->abort();
    EXPECT_EQ(line.transport->get_write_buffer_size(), 0u);
    const std::string got = co_await line.peer.recv_all();
    EXPECT_LE(got.size(), sent.size() - (1 << 20));
    EXPECT_TRUE(sent.starts_with(got));
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "lost"}));
  EXPECT_EQ(line.recorder->error, nullptr);
}

TEST_F(SocketTransportTest, AbortEndsACloseThatWaitsForAStuckPeer) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    fill(*line.transport, 10'000);
    line.transport->close();
    co_await turns(10);
    EXPECT_FALSE(line.recorder->lost);
    line.transport->abort();
    co_await turns(1);
    EXPECT_TRUE(line.recorder->lost);
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(SocketTransportTest, AWriteToAPeerThatIsGoneEndsTheConnectionAndThrowsNothing) {
  Line line = connect();
  line.recorder->on_made = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    line.peer.reset();
    co_await until([&] { return is_readable(line.transport->fileno()); });
    line.transport->write("x");
    EXPECT_TRUE(line.transport->is_closing());
    EXPECT_FALSE(line.recorder->lost);
    co_await turns(1);
    EXPECT_TRUE(line.recorder->lost);
  });
  EXPECT_TRUE(holds<ConnectionError>(line.recorder->error));
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(SocketTransportTest, APeerThatGoesWhileDataIsBufferedEndsTheConnection) {
  Line line = connect(kNarrow);
  line.recorder->on_made = [&] { line.transport->pause_reading(); };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    fill(*line.transport, 100'000);
    line.peer.reset();
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_TRUE(holds<ConnectionError>(line.recorder->error));
  EXPECT_EQ(line.recorder->calls.size(), 3u) << "made, pause, lost: a dead line is not resumed";
  EXPECT_TRUE(loop_.reports().empty());
}

// Flow control.

TEST_F(SocketTransportTest, PausesAboveTheHighMarkFromInsideWrite) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    fill(*line.transport, 10'000);
    line.transport->set_write_buffer_limits(10'010, 5'000);
    line.transport->write("0123456789");
    EXPECT_EQ(line.recorder->calls, Calls{"made"}) << "exactly the mark is fine";
    line.transport->write("x");
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    line.transport->write("x");
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
  });
}

TEST_F(SocketTransportTest, ResumesAtTheLowMarkAndNotBefore) {
  Line line = connect(kNarrow);
  std::size_t size_at_resume = 0;
  line.recorder->on_resume = [&] { size_at_resume = line.transport->get_write_buffer_size(); };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    const std::string sent = fill(*line.transport, 100'000);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    while (line.transport->get_write_buffer_size() > 16 * 1024) {
      EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
      co_await line.peer.recv(1000);
      co_await turns(2);
    }
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume"}));
    EXPECT_LE(size_at_resume, 16u * 1024);
  });
}

TEST_F(SocketTransportTest, WithMarksOfZeroItResumesWhenAllIsSent) {
  Line line = connect(kNarrow);
  std::size_t size_at_resume = 1;
  line.recorder->on_resume = [&] { size_at_resume = line.transport->get_write_buffer_size(); };
  line.transport->set_write_buffer_limits(0);
  EXPECT_EQ(line.transport->get_write_buffer_limits(), (WriteBufferLimits{.low = 0, .high = 0}));
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    const std::string sent = fill(*line.transport, 20'000);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent);
    co_await until([&] { return line.recorder->calls.back() == "resume"; });
  });
  EXPECT_EQ(size_at_resume, 0u);
}

TEST_F(SocketTransportTest, NewMarksPauseAtOnceButDoNotResumeAtOnce) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    fill(*line.transport, 10'000);
    line.transport->set_write_buffer_limits(9'999);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    line.transport->set_write_buffer_limits(100'000);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    EXPECT_THROW(line.transport->set_write_buffer_limits(1, 2), std::invalid_argument);
    EXPECT_EQ(line.transport->get_write_buffer_limits(),
              (WriteBufferLimits{.low = 25'000, .high = 100'000}));
  });
}

TEST_F(SocketTransportTest, WritelinesPausesAtTheMarkToo) {
  Line line = connect(kNarrow);
  const std::string piece = noise(30'000);
  const std::vector<std::string_view> pieces(40, piece);
  line.transport->writelines(pieces);
  EXPECT_EQ(line.recorder->calls, Calls{"pause"});
  line.transport->abort();
}

// A producer that heeds pause_writing() must never see more buffered than the mark and its last
// write.
TEST_F(SocketTransportTest, PauseAndResumeAlternateStrictlyAndBoundTheBuffer) {
  Line line = connect(kNarrow);
  constexpr std::size_t kTotal = 4 << 20;
  const std::string all = noise(kTotal);
  std::size_t produced = 0;
  std::size_t most_buffered = 0;
  bool paused = false;
  std::mt19937 random(3);
  const auto produce = [&] {
    while (!paused && produced < kTotal) {
      const std::size_t some = std::min<std::size_t>(1 + random() % 5000, kTotal - produced);
      line.transport->write(std::string_view(all).substr(produced, some));
      produced += some;
      most_buffered = std::max(most_buffered, line.transport->get_write_buffer_size());
    }
  };
  line.recorder->on_made = produce;
  line.recorder->on_pause = [&] { EXPECT_FALSE(std::exchange(paused, true)); };
  line.recorder->on_resume = [&] {
    EXPECT_TRUE(std::exchange(paused, false));
    produce();
  };
  line.transport->set_write_buffer_limits(20'000, 1'000);
  loop_.run([&]() -> Coro<> { EXPECT_TRUE(co_await line.peer.recv_all(kTotal) == all); });
  EXPECT_LE(most_buffered, 25'000u);
  EXPECT_GT(line.recorder->calls.size(), 20u) << "it must really have been paused now and then";
}

TEST_F(SocketTransportTest, WhateverThePiecesTheBytesArriveUnchanged) {
  Line line = connect(kNarrow);
  std::mt19937 random(5);
  std::string sent;
  std::string got;
  loop_.run([&]() -> Coro<> {
    for (int round = 0; round < 300; ++round) {
      std::vector<std::string> pieces(random() % 65);
      for (std::string& piece : pieces) {
        piece = noise(random() % 8 == 0 ? 0 : random() % 400, static_cast<std::uint32_t>(random()));
        sent += piece;
      }
      const std::vector<std::string_view> views(pieces.begin(), pieces.end());
      line.transport->writelines(views);
      while (is_readable(line.peer.fileno()) && random() % 3 != 0) {
        got += line.peer.recv_now(random() % 3000 + 1);
      }
      if (random() % 4 == 0) co_await turns(2);
    }
    line.transport->close();
    got += co_await line.peer.recv_all();
  });
  EXPECT_GT(sent.size(), 1'000'000u);
  EXPECT_TRUE(got == sent);
}

TEST_F(SocketTransportTest, EmptyPiecesAndNoPiecesDoNotKeepAConnectionFromClosing) {
  Line line = connect();
  const std::string_view empty[] = {"", ""};
  const std::string_view mixed[] = {"a", "", "b"};
  line.transport->writelines(empty);
  line.transport->writelines({});
  line.transport->writelines(mixed);
  line.transport->writelines(empty);
  line.transport->close();
  wait_until_lost(line);
  EXPECT_EQ(line.peer.recv_now(), "ab");
}

TEST_F(SocketTransportTest, AnExceptionInPauseWritingIsReportedAndNothingIsLost) {
  Line line = connect(kNarrow);
  line.recorder->on_pause = [] { throw std::runtime_error("oops"); };
  line.recorder->on_resume = [] { throw std::runtime_error("again"); };
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 100'000);
    EXPECT_EQ(loop_.reports(), Calls{"protocol.pause_writing() failed: oops"});
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent);
    co_await until([&] { return loop_.reports().size() > 1; });
  });
  EXPECT_EQ(loop_.reports(), (Calls{"protocol.pause_writing() failed: oops",
                                    "protocol.resume_writing() failed: again"}));
  EXPECT_FALSE(line.transport->is_closing());
}

TEST_F(SocketTransportTest, ClosedInsideResumeWritingWithNothingLeftItIsLostOnce) {
  Line line = connect(kNarrow);
  line.transport->set_write_buffer_limits(0);
  line.recorder->on_resume = [&] { line.transport->close(); };
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    EXPECT_TRUE(co_await line.peer.recv_all() == sent);
    line.transport.reset();
    co_await until([&] { return line.recorder->lost; });
    co_await turns(5);
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume", "lost"}));
  EXPECT_EQ(line.recorder->error, nullptr);
}

TEST_F(SocketTransportTest, AbortedInsideResumeWritingItIsLostOnce) {
  for (const std::size_t low : {0u, 5'000u}) {
    Line line = connect(kNarrow);
    line.transport->set_write_buffer_limits(5'000, low);
    line.recorder->on_resume = [&] { line.recorder->transport->abort(); };
    loop_.run([&]() -> Coro<> {
      fill(*line.transport, 10'000);
      line.transport.reset();
      co_await line.peer.recv_all();
      co_await until([&] { return line.recorder->lost; });
      co_await turns(5);
    });
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume", "lost"}));
  }
}

// After the last byte the socket is still writable: nobody must be told so once the connection is
// lost.
TEST_F(SocketTransportTest, EndedInsideResumeWritingItIsNotCalledAgain) {
  enum class Ending { kClose, kAbort, kWriteAndAbort };
  for (const Ending ending : {Ending::kClose, Ending::kAbort, Ending::kWriteAndAbort}) {
    Line line = connect();
    line.transport->set_write_buffer_limits(0);
    line.recorder->on_resume = [&] {
      if (ending == Ending::kClose) return line.recorder->transport->close();
      if (ending == Ending::kWriteAndAbort) line.recorder->transport->write("x");
      line.recorder->transport->abort();
    };
    loop_.run([&]() -> Coro<> {
      std::size_t left = fill(*line.transport, 10'000).size() - 10'000;
      while (left > 0) left -= line.peer.recv_now().size();
      line.transport.reset();
      co_await until([&] { return line.recorder->lost; });
      co_await turns(5);
    });
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume", "lost"}));
  }
}

TEST_F(SocketTransportTest, AbortedInsidePauseWritingItIsLostOnce) {
  Line line = connect(kNarrow);
  line.recorder->on_pause = [&] { line.transport->abort(); };
  const std::string much(1 << 20, 'x');
  while (!line.transport->is_closing()) line.transport->write(much);
  EXPECT_EQ(line.transport->get_write_buffer_size(), 0u);
  wait_until_lost(line);
  loop_.run([]() -> Coro<> { co_await turns(5); });
  EXPECT_EQ(line.recorder->calls, (Calls{"pause", "made", "lost"}));
}

TEST_F(SocketTransportTest, WrittenInsideResumeWritingWhileClosingItIsSentToo) {
  Line line = connect(kNarrow);
  line.transport->set_write_buffer_limits(0);
  const std::string more = noise(30'000, 9);
  int resumed = 0;
  line.recorder->on_resume = [&] {
    if (++resumed == 1) line.transport->write(more);
  };
  loop_.run([&]() -> Coro<> {
    const std::string sent = fill(*line.transport, 10'000);
    line.transport->close();
    EXPECT_TRUE(co_await line.peer.recv_all() == sent + more);
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume", "pause", "resume", "lost"}));
}

TEST_F(SocketTransportTest, WrittenAndAbortedInsideResumeWritingItIsLostOnce) {
  Line line = connect(kNarrow);
  line.transport->set_write_buffer_limits(0);
  line.recorder->on_resume = [&] {
    line.recorder->transport->write(std::string(1 << 20, 'x'));
    line.recorder->transport->abort();
  };
  loop_.run([&]() -> Coro<> {
    fill(*line.transport, 10'000);
    line.transport.reset();
    co_await line.peer.recv_all();
    co_await until([&] { return line.recorder->lost; });
    co_await turns(5);
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume", "pause", "lost"}));
}

TEST_F(SocketTransportTest, AStalledPeerCostsNoMoreThanTheMarksWhateverIsOffered) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    std::size_t most = 0;
    const std::string block(8192, 'x');
    for (int i = 0; i < 10'000; ++i) {
      if (line.recorder->calls.back() != "pause") line.transport->write(block);
      most = std::max(most, line.transport->get_write_buffer_size());
      if (i % 100 == 0) co_await turns(1);
    }
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
    EXPECT_LE(most, 65'536u + 8192u);
  });
}

// What it is.

TEST_F(SocketTransportTest, ThePeersAddressIsKnownInConnectionLostAfterAReset) {
  Line line = connect();
  const SocketAddress peer = line.transport->peername();
  SocketAddress in_lost;
  line.recorder->on_lost = [&] { in_lost = line.transport->peername(); };
  line.peer.reset();
  wait_until_lost(line);
  EXPECT_NE(peer, SocketAddress());
  EXPECT_EQ(in_lost, peer);
}

TEST_F(SocketTransportTest, ExtraInfoIsFoundByItsNameElseTheFallbackIsReturned) {
  Line line = connect();
  const Transport& transport = *line.transport;
  EXPECT_EQ(std::any_cast<SocketAddress>(transport.get_extra_info("sockname")),
            transport.sockname());
  EXPECT_EQ(std::any_cast<SocketAddress>(transport.get_extra_info("peername")),
            transport.peername());
  EXPECT_FALSE(transport.get_extra_info("sslcontext").has_value());
  EXPECT_EQ(std::any_cast<int>(transport.get_extra_info("sslcontext", 7)), 7);
}

TEST_F(SocketTransportTest, ItsSocketIsAViewThatOutlivesItHarmlessly) {
  Line line = connect();
  const auto socket = std::any_cast<TransportSocket>(line.transport->get_extra_info("socket"));
  EXPECT_EQ(socket.fileno(), line.transport->fileno());
  EXPECT_EQ(socket.type(), SOCK_STREAM);
  line.transport->abort();
  wait_until_lost(line);
  EXPECT_EQ(socket.fileno(), -1);
  line.transport.reset();
  EXPECT_EQ(socket.fileno(), -1);
}

TEST_F(SocketTransportTest, ASecondTransportOnADescriptorIsRefused) {
  Line line = connect();
  // The second owner of the number must not close it.
  Socket same(FileDescriptor(line.transport->fileno()));
  try {
    SocketTransport::start(loop_, std::move(same), std::make_shared<Recorder>(), nullptr);
    ADD_FAILURE();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("is used by a transport"));
  }
}

// The context.

ContextVar<int> depth("depth", 0);

TEST_F(SocketTransportTest, AllCallbacksOfAConnectionRunInOneContextACopyOfTheCreators) {
  std::vector<int> seen;
  loop_.run([&]() -> Coro<> {
    depth.set(1);
    Line line = connect();
    depth.set(2);
    const auto next = [&] {
      seen.push_back(depth.get());
      depth.set(depth.get() + 10);
    };
    line.recorder->on_made = next;
    line.recorder->on_data = next;
    line.recorder->on_eof = next;
    line.recorder->on_lost = next;
    co_await turns(2);
    line.transport->pause_reading();
    line.transport->resume_reading();
    line.peer.send("x");
    co_await until([&] { return !line.recorder->received.empty(); });
    line.peer.close();
    co_await until([&] { return line.recorder->lost; });
    seen.push_back(depth.get());
  });
  EXPECT_EQ(seen, (std::vector{1, 11, 21, 31, 2}));
}

TEST_F(SocketTransportTest, WritingIsResumedInTheConnectionsContextAndPausedInTheWriters) {
  std::vector<int> seen;
  loop_.run([&]() -> Coro<> {
    depth.set(1);
    Line line = connect(kNarrow);
    depth.set(2);
    line.recorder->on_pause = [&] { seen.push_back(depth.get()); };
    line.recorder->on_resume = [&] { seen.push_back(depth.get()); };
    co_await turns(2);
    line.transport->set_write_buffer_limits(0);
    fill(*line.transport, 8192);
    while (seen.size() < 2) static_cast<void>(co_await line.peer.recv());
  });
  EXPECT_EQ(seen, (std::vector{2, 1}));
}

// writelines().

TEST_F(SocketTransportTest, PiecesOfAnySizeArriveInOrderHoweverFewTheKernelTakes) {
  std::mt19937 random(7);
  for (const std::size_t count : {1u, 2u, 63u, 64u, 65u, 200u}) {
    Line line = connect(kNarrow);
    std::vector<std::string> owned;
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      owned.push_back(noise(random() % 3 == 0 ? 0 : random() % 5000, random()));
      all += owned.back();
    }
    const std::vector<std::string_view> pieces(owned.begin(), owned.end());
    std::string received;
    loop_.run([&]() -> Coro<> {
      line.transport->writelines(pieces);
      line.transport->close();
      received = co_await line.peer.recv_all();
      co_await until([&] { return line.recorder->lost; });
    });
    EXPECT_EQ(received, all) << count << " pieces";
  }
}

TEST_F(SocketTransportTest, EmptyPiecesAreSkippedAndClosingAfterThemEnds) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    const std::string_view pieces[] = {"", "", ""};
    line.transport->writelines(pieces);
    line.transport->close();
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(SocketTransportTest, WritelinesPausesTheProtocolAboveTheMark) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string block = noise(1 << 20);
    const std::string_view pieces[] = {block, block, block, block};
    line.transport->writelines(pieces);
    line.transport->abort();
    co_await until([&] { return line.recorder->lost; });
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "lost"}));
}

TEST_F(SocketTransportTest, AfterWriteEofEvenNothingMayNotBeWritten) {
  Line line = connect();
  line.transport->write_eof();
  EXPECT_THROW(line.transport->write(""), std::runtime_error);
  EXPECT_THROW(line.transport->writelines({}), std::runtime_error);
}

}  // namespace
}  // namespace asyncio
