#include "asyncio/streams/stream_writer.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "streams/src/stream_protocol.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using internal::StreamProtocol;

class StreamWriterTest : public ::testing::Test {
 protected:
  struct Line {
    StreamReader reader;
    StreamWriter writer;
    Peer peer;
  };

  // A stream whose connection is made in the next turn.
  Line connect(EndsOptions options = EndsOptions()) {
    Ends ends = connected_ends(options);
    const auto stream = std::make_shared<StreamProtocol>(loop_, kDefaultStreamLimit);
    SocketTransport::start(loop_, std::move(ends.ours), stream, nullptr);
    return {StreamReader(stream), StreamWriter(stream), std::move(ends.peer)};
  }

  // Writes until the writer is to wait; what was written.
  static std::string fill(const StreamWriter& writer) {
    const std::string block = noise(4096);
    std::string written;
    while (writer.transport()->get_write_buffer_size() <= 65536) {
      writer.write(block);
      written += block;
    }
    return written;
  }

  Coro<std::exception_ptr> failure_to_drain(const StreamWriter* writer) {
    return failure_of([writer] { return writer->drain(); });
  }

  WatchedLoop loop_;
};

TEST_F(StreamWriterTest, WhatIsWrittenArrivesInOrder) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.writer.write("one ");
    const std::array<std::string_view, 3> pieces = {"two ", "", "three"};
    line.writer.writelines(pieces);
    EXPECT_EQ(co_await line.peer.recv_all(13), "one two three");
  });
}

TEST_F(StreamWriterTest, KnowsItsTransportAndItsEndsUntilTheConnectionIsLost) {
  const Line line = connect();
  EXPECT_EQ(line.writer.transport(), nullptr) << "not made yet";
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    EXPECT_NE(line.writer.transport(), nullptr);
    EXPECT_TRUE(line.writer.can_write_eof());
    EXPECT_FALSE(line.writer.is_closing());
    EXPECT_EQ(line.writer.sockname().host(), "127.0.0.1");
    EXPECT_EQ(line.writer.peername().host(), "127.0.0.1");
    EXPECT_NE(line.writer.sockname(), line.writer.peername());
    line.writer.close();
    EXPECT_TRUE(line.writer.is_closing());
    co_await line.writer.wait_closed();
    EXPECT_TRUE(line.writer.is_closing());
    EXPECT_EQ(line.writer.transport(), nullptr);
    EXPECT_FALSE(line.writer.can_write_eof());
    EXPECT_EQ(line.writer.sockname(), SocketAddress());
    EXPECT_EQ(line.writer.peername(), SocketAddress());
    line.writer.write("nobody gets this");
    line.writer.write_eof();
    line.writer.close();
  });
}

TEST_F(StreamWriterTest, WriteEofEndsTheStreamForThePeerWhileReadingGoesOn) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.writer.write("question");
    line.writer.write_eof();
    EXPECT_EQ(co_await line.peer.recv_all(), "question");
    line.peer.send("answer");
    EXPECT_EQ(co_await line.reader.readexactly(6), "answer");
    EXPECT_THROW(line.writer.write("more"), std::runtime_error);
  });
}

TEST_F(StreamWriterTest, WrittenAfterCloseWithDataPendingItIsStillSent) {
  const Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line.writer);
    line.writer.close();
    line.writer.write("and this");
    EXPECT_TRUE(co_await line.peer.recv_all() == sent + "and this");
    co_await line.writer.wait_closed();
  });
}

// drain().

TEST_F(StreamWriterTest, DrainTakesNoTurnWhileLittleIsBuffered) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.writer.write("x");
    const int before = loop_.turns();
    co_await line.writer.drain();
    EXPECT_EQ(loop_.turns(), before);
  });
}

TEST_F(StreamWriterTest, DrainWaitsUntilLittleEnoughIsBuffered) {
  const Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line.writer);
    auto draining = create_task(line.writer.drain());
    co_await turns(5);
    EXPECT_FALSE(draining.done());
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent);
    co_await draining;
    EXPECT_LE(line.writer.transport()->get_write_buffer_size(), 16384u);
  });
}

TEST_F(StreamWriterTest, AnyNumberOfTasksMayDrainAndAllGoOn) {
  const Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line.writer);
    std::vector<Task<>> drainers;
    for (int i = 0; i < 10; ++i) drainers.push_back(create_task(line.writer.drain()));
    co_await turns(3);
    drainers[3].cancel();
    co_await turns(2);
    EXPECT_TRUE(drainers[3].cancelled());
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent)
        << "a cancelled drain() takes nothing back";
    for (std::size_t i = 0; i < drainers.size(); ++i) {
      if (i != 3) co_await drainers[i];
    }
  });
}

TEST_F(StreamWriterTest, DrainAfterCloseThrowsConnectionResetError) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.writer.close();
    for (int i = 0; i < 2; ++i) {
      const std::exception_ptr error = co_await failure_to_drain(&line.writer);
      EXPECT_TRUE(holds<ConnectionResetError>(error));
      EXPECT_TRUE(text_of(error).starts_with("Connection lost")) << text_of(error);
    }
  });
}

TEST_F(StreamWriterTest, DrainWhileClosingWithDataPendingWaitsForIt) {
  const Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line.writer);
    line.writer.close();
    auto draining = create_task(line.writer.drain());
    co_await turns(5);
    EXPECT_FALSE(draining.done());
    EXPECT_TRUE(co_await line.peer.recv_all() == sent);
    co_await draining;
  });
}

TEST_F(StreamWriterTest, DrainThatWaitsReturnsWhenTheConnectionIsEndedFromHere) {
  const Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    fill(line.writer);
    auto draining = create_task(line.writer.drain());
    co_await turns(3);
    line.writer.transport()->abort();
    co_await draining;
  });
}

TEST_F(StreamWriterTest, DrainThatWaitsThrowsWhatEndsTheConnection) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    fill(line.writer);
    auto draining = create_task(line.writer.drain());
    auto draining_too = create_task(line.writer.drain());
    co_await turns(3);
    line.peer.reset();
    EXPECT_TRUE(holds<ConnectionError>(co_await error_of(draining)));
    EXPECT_TRUE(holds<ConnectionError>(co_await error_of(draining_too)));
  });
  EXPECT_TRUE(loop_.reports().empty());
}

TEST_F(StreamWriterTest, AWriteAfterAResetThrowsNothingAndTheNextDrainTells) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.writer.transport()->pause_reading();
    line.peer.reset();
    co_await until([&] { return is_readable(line.writer.transport()->fileno()); });
    line.writer.write("x");
    EXPECT_TRUE(line.writer.is_closing());
    line.writer.write("y");
    const std::exception_ptr first = co_await failure_to_drain(&line.writer);
    EXPECT_TRUE(holds<ConnectionError>(first));
    EXPECT_EQ(text_of(first), text_of(line.reader.exception()))
        << "it says what ended the connection";
    EXPECT_TRUE(holds<ConnectionError>(co_await failure_to_drain(&line.writer)));
  });
}

TEST_F(StreamWriterTest, WritingAndDrainingToAPeerThatIsGoneFailsInTheEnd) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    line.peer.close();
    const std::exception_ptr error = co_await failure_of([&]() -> Coro<> {
      while (true) {
        line.writer.write("x");
        co_await line.writer.drain();
        co_await turns(1);
      }
    });
    EXPECT_TRUE(holds<ConnectionError>(error));
  });
}

TEST_F(StreamWriterTest, ADrainInFlightSurvivesTheMoveOfItsWriter) {
  Line line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line.writer);
    auto draining = create_task(line.writer.drain());
    co_await turns(2);
    const StreamWriter moved = std::move(line.writer);
    EXPECT_TRUE(co_await line.peer.recv_all(sent.size()) == sent);
    co_await draining;
    EXPECT_FALSE(moved.is_closing());
  });
}

// The end.

TEST_F(StreamWriterTest, WaitClosedReturnsForEverybodyAndAgain) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    auto first = create_task(line.writer.wait_closed());
    auto second = create_task(line.writer.wait_closed());
    auto leaving = create_task(line.writer.wait_closed());
    co_await turns(3);
    EXPECT_FALSE(first.done());
    leaving.cancel();
    line.writer.close();
    co_await first;
    co_await second;
    EXPECT_TRUE(leaving.cancelled());
    co_await line.writer.wait_closed();
    co_await line.writer.wait_closed();
  });
}

TEST_F(StreamWriterTest, WaitClosedThrowsWhatEndedTheConnectionEachTime) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    auto waiting = create_task(line.writer.wait_closed());
    co_await turns(2);
    line.peer.reset();
    EXPECT_TRUE(holds<ConnectionResetError>(co_await error_of(waiting)));
    for (int i = 0; i < 2; ++i) {
      const std::exception_ptr error =
          co_await failure_of([&]() -> Coro<> { co_await line.writer.wait_closed(); });
      EXPECT_TRUE(holds<ConnectionResetError>(error));
    }
  });
}

TEST_F(StreamWriterTest, WaitClosedDoesNotWaitForUnreadData) {
  const Line line = connect();
  line.peer.send("nobody has read this");
  loop_.run([&]() -> Coro<> {
    co_await until([&] {
      return line.writer.transport() != nullptr && !is_readable(line.writer.transport()->fileno());
    });
    co_await turns(2);
    line.writer.close();
    co_await line.writer.wait_closed();
    EXPECT_EQ(co_await line.reader.read(), "nobody has read this");
  });
}

TEST_F(StreamWriterTest, ItsReaderReadsTheEndOfTheStreamAfterClose) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    auto reading = create_task(line.reader.read());
    co_await turns(2);
    line.writer.close();
    EXPECT_EQ(co_await reading, "");
    EXPECT_TRUE(line.reader.at_eof());
  });
}

TEST_F(StreamWriterTest, ThePeersEndOfStreamDoesNotEndTheConnection) {
  const Line line = connect();
  loop_.run([&]() -> Coro<> {
    line.peer.send("last");
    line.peer.shutdown_write();
    EXPECT_EQ(co_await line.reader.read(), "last");
    EXPECT_FALSE(line.writer.is_closing());
    line.writer.write("answer");
    line.writer.close();
    EXPECT_EQ(co_await line.peer.recv_all(), "answer");
  });
}

TEST_F(StreamWriterTest, DroppingItSendsWhatIsBufferedAndClosesTheConnection) {
  std::optional<Line> line = connect(kNarrow);
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    const std::string sent = fill(line->writer);
    const Peer peer = std::move(line->peer);
    line.reset();
    EXPECT_TRUE(co_await peer.recv_all() == sent);
  });
}

TEST_F(StreamWriterTest, OneThatWasMovedFromClosesNothing) {
  Line line = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    auto first = std::make_unique<StreamWriter>(std::move(line.writer));
    const StreamWriter second = std::move(*first);
    first.reset();
    EXPECT_FALSE(second.is_closing());
    second.write("open");
    EXPECT_EQ(co_await line.peer.recv(), "open");
  });
}

TEST_F(StreamWriterTest, AssigningToItClosesTheConnectionItHad) {
  Line first = connect();
  Line second = connect();
  loop_.run([&]() -> Coro<> {
    co_await turns(2);
    first.writer = std::move(second.writer);
    EXPECT_EQ(co_await first.peer.recv(), "");
    first.writer.write("the second");
    EXPECT_EQ(co_await second.peer.recv(), "the second");
  });
}

TEST_F(StreamWriterTest, ReaderAndWriterMayOutliveTheirLoop) {
  auto loop = std::make_unique<WatchedLoop>();
  Ends ends = connected_ends();
  const auto stream = std::make_shared<StreamProtocol>(*loop, kDefaultStreamLimit);
  SocketTransport::start(*loop, std::move(ends.ours), stream, nullptr);
  const StreamReader reader(stream);
  std::optional<StreamWriter> writer(std::in_place, stream);
  loop->run([&]() -> Coro<> { co_await turns(3); });
  loop.reset();
  EXPECT_TRUE(holds<ConnectionAbortedError>(reader.exception()));
  EXPECT_TRUE(writer->is_closing());
  writer->write("x");
  writer.reset();
}

}  // namespace
}  // namespace asyncio
