#include "asyncio/transports/pipe_transport.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <any>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/logger.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/open_descriptors.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// What is written to one comes out of the other.
struct PipeEnds {
  FileDescriptor read;
  FileDescriptor write;
};

PipeEnds plain_pipe() {
  int fds[2];
  check(::pipe2(fds, O_CLOEXEC), "pipe2");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

PipeEnds socket_pair() {
  int fds[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

PipeEnds fifo() {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/fifo";
  ::unlink(path.c_str());
  check(::mkfifo(path.c_str(), 0600), "mkfifo");
  FileDescriptor read(check(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open"));
  FileDescriptor write(check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open"));
  return {std::move(read), std::move(write)};
}

// A terminal that passes bytes on as they are: the master is read, the slave written.
PipeEnds terminal() {
  int master = -1;
  int slave = -1;
  check(::openpty(&master, &slave, nullptr, nullptr, nullptr), "openpty");
  termios settings{};
  check(::tcgetattr(slave, &settings), "tcgetattr");
  ::cfmakeraw(&settings);
  check(::tcsetattr(slave, TCSANOW, &settings), "tcsetattr");
  return {FileDescriptor(master), FileDescriptor(slave)};
}

void write_all(const FileDescriptor& fd, std::string_view data) {
  while (!data.empty()) {
    data.remove_prefix(
        static_cast<std::size_t>(check(::write(fd.get(), data.data(), data.size()), "write")));
  }
}

// What can be read now.
std::string read_now(const FileDescriptor& fd) {
  std::string all;
  std::string some(65536, '\0');
  while (is_readable(fd.get())) {
    const ssize_t size = ::read(fd.get(), some.data(), some.size());
    if (size <= 0) break;
    all.append(some, 0, static_cast<std::size_t>(size));
  }
  return all;
}

FileDescriptor regular_file() {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/file";
  return FileDescriptor(check(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open"));
}

class PipeTransportTest : public ::testing::Test {
 protected:
  // A transport with a recorder, after connection_made().
  struct Line {
    std::shared_ptr<Transport> transport;
    std::shared_ptr<Recorder> recorder;
  };
  Line reading(FileDescriptor pipe) {
    return loop_.run([&]() -> Coro<Line> {
      auto [transport, recorder] =
          co_await connect_read_pipe(std::make_shared<Recorder>, std::move(pipe));
      co_return Line{transport, recorder};
    });
  }
  Line writing(FileDescriptor pipe) {
    return loop_.run([&]() -> Coro<Line> {
      auto [transport, recorder] =
          co_await connect_write_pipe(std::make_shared<Recorder>, std::move(pipe));
      co_return Line{transport, recorder};
    });
  }

  void run_until(const std::function<bool()>& condition) {
    loop_.run([&]() -> Coro<> {
      co_await turns(2);
      co_await until(condition);
    });
  }
  void run_until_lost(const Line& line) {
    run_until([&] { return line.recorder->lost; });
  }

  // Writes until the kernel takes no more; returns what was written.
  static std::string fill(Transport& transport) {
    std::string written;
    const std::string block = noise(100'000);
    while (transport.get_write_buffer_size() == 0) {
      transport.write(block);
      written += block;
    }
    return written;
  }

  WatchedLoop loop_;
};

// Reading.

TEST_F(PipeTransportTest, DataThenEofThenLostAndThePipeIsClosed) {
  for (auto make : {plain_pipe, socket_pair, fifo}) {
    const OpenDescriptors before;
    PipeEnds ends = make();
    const Line line = reading(std::move(ends.read));
    EXPECT_EQ(line.recorder->calls, Calls{"made"});
    write_all(ends.write, "1");
    run_until([&] { return line.recorder->received == "1"; });
    write_all(ends.write, "2345");
    run_until([&] { return line.recorder->received == "12345"; });
    ends.write.close();
    run_until_lost(line);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "data", "eof", "lost"}));
    EXPECT_EQ(line.transport->fileno(), -1);
    EXPECT_THAT(before.opened_since(), IsEmpty());
  }
}

TEST_F(PipeTransportTest, TheAnswerOfEofReceivedDoesNotMatter) {
  PipeEnds ends = plain_pipe();
  const Line line = reading(std::move(ends.read));
  line.recorder->stays_open = true;
  ends.write.close();
  run_until_lost(line);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "eof", "lost"}));
}

TEST_F(PipeTransportTest, ATerminalThatHangsUpIsLostWithAnErrorThatIsNotReported) {
  PipeEnds ends = terminal();
  const Line line = reading(std::move(ends.read));
  write_all(ends.write, "out");
  run_until([&] { return line.recorder->received == "out"; });
  ends.write.close();
  run_until_lost(line);
  EXPECT_THAT(line.recorder->calls, ElementsAre("made", "data", StartsWith("lost: ")));
  EXPECT_THAT(loop_.reports(), IsEmpty());
}

// A socket that listens is readable when somebody has connected, and cannot be read.
TEST_F(PipeTransportTest, AnyOtherErrorIsReportedAndTold) {
  const Listener listener;
  const Line line =
      reading(FileDescriptor(check(::fcntl(listener.fileno(), F_DUPFD_CLOEXEC, 0), "fcntl")));
  const Peer client = Peer::connect(listener.address());
  run_until_lost(line);
  EXPECT_TRUE(holds<OsError>(line.recorder->error));
  EXPECT_THAT(loop_.reports(), ElementsAre(StartsWith("Fatal read error on pipe transport: ")));
}

TEST_F(PipeTransportTest, PausedItReadsNothingUntilResumed) {
  PipeEnds ends = plain_pipe();
  const Line line = reading(std::move(ends.read));
  EXPECT_TRUE(line.transport->is_reading());
  line.transport->pause_reading();
  line.transport->pause_reading();
  EXPECT_FALSE(line.transport->is_reading());
  write_all(ends.write, "x");
  run_until([] { return true; });
  EXPECT_EQ(line.recorder->received, "");
  line.transport->resume_reading();
  line.transport->resume_reading();
  run_until([&] { return line.recorder->received == "x"; });
}

TEST_F(PipeTransportTest, ClosedItIsLostOnceAndEveryCallIsHarmless) {
  PipeEnds ends = plain_pipe();
  const Line line = reading(std::move(ends.read));
  line.transport->close();
  line.transport->close();
  line.transport->abort();
  EXPECT_TRUE(line.transport->is_closing());
  EXPECT_EQ(line.recorder->calls, Calls{"made"});
  run_until_lost(line);
  line.transport->pause_reading();
  line.transport->resume_reading();
  line.transport->close();
  line.transport->set_protocol(std::make_shared<Recorder>());
  EXPECT_FALSE(line.transport->is_reading());
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(PipeTransportTest, WhatTheProtocolThrowsIsReportedAndThePipeStaysOpen) {
  PipeEnds ends = plain_pipe();
  const Line line = reading(std::move(ends.read));
  line.recorder->on_data = [] { throw std::runtime_error("oops"); };
  write_all(ends.write, "1");
  run_until([&] { return !loop_.reports().empty(); });
  EXPECT_THAT(loop_.reports(), ElementsAre(HasSubstr("oops")));
  line.recorder->on_data = nullptr;
  write_all(ends.write, "2");
  run_until([&] { return line.recorder->received == "12"; });
}

TEST_F(PipeTransportTest, TheEndThatIsReadCannotBeWritten) {
  PipeEnds ends = plain_pipe();
  const Line line = reading(std::move(ends.read));
  Transport& transport = *line.transport;
  EXPECT_THROW(transport.write("x"), NotImplementedError);
  EXPECT_THROW(transport.writelines({}), NotImplementedError);
  EXPECT_THROW(transport.write_eof(), NotImplementedError);
  EXPECT_THROW(transport.set_write_buffer_limits(1), NotImplementedError);
  EXPECT_FALSE(transport.can_write_eof());
}

// Writing.

TEST_F(PipeTransportTest, SmallAndLargeWritesArriveInOrderAndCloseSendsTheRest) {
  for (auto make : {plain_pipe, socket_pair, fifo, terminal}) {
    PipeEnds ends = make();
    const Line line = writing(std::move(ends.write));
    std::string sent = "12345";
    line.transport->write("1");
    line.transport->write("");
    line.transport->write("2345");
    const std::string large = noise(1 << 20);
    line.transport->write(large);
    sent += large;
    EXPECT_GT(line.transport->get_write_buffer_size(), 0u);
    line.transport->close();
    EXPECT_FALSE(line.recorder->lost);
    std::string received;
    run_until([&] {
      received += read_now(ends.read);
      return line.recorder->lost;
    });
    received += read_now(ends.read);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(line.recorder->calls.back(), "lost");
  }
}

TEST_F(PipeTransportTest, WriteEofIsCloseAndOnlyTheFirstCounts) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  EXPECT_TRUE(line.transport->can_write_eof());
  line.transport->write("last");
  line.transport->write_eof();
  line.transport->write_eof();
  line.transport->close();
  EXPECT_TRUE(line.transport->is_closing());
  line.transport->write("too late");
  run_until_lost(line);
  EXPECT_EQ(read_now(ends.read), "last");
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
}

TEST_F(PipeTransportTest, AbortingDropsWhatIsBuffered) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  const std::string written = fill(*line.transport);
  line.transport->abort();
  run_until_lost(line);
  EXPECT_LT(read_now(ends.read).size(), written.size());
  EXPECT_EQ(line.recorder->error, nullptr);
}

TEST_F(PipeTransportTest, AReaderThatGoesWhileNothingIsBufferedIsAPlainEnd) {
  for (auto make : {plain_pipe, socket_pair, fifo}) {
    PipeEnds ends = make();
    const Line line = writing(std::move(ends.write));
    line.transport->write("1");
    EXPECT_EQ(read_now(ends.read), "1");
    ends.read.close();
    run_until_lost(line);
    EXPECT_EQ(line.recorder->calls, (Calls{"made", "lost"}));
  }
}

TEST_F(PipeTransportTest, AReaderThatGoesWhileSomethingIsBufferedIsABrokenPipe) {
  for (auto make : {plain_pipe, socket_pair, fifo}) {
    PipeEnds ends = make();
    const Line line = writing(std::move(ends.write));
    fill(*line.transport);
    ends.read.close();
    run_until_lost(line);
    EXPECT_TRUE(holds<BrokenPipeError>(line.recorder->error));
    EXPECT_THAT(loop_.reports(), IsEmpty());
  }
}

TEST_F(PipeTransportTest, AReaderThatGoesWhileItIsClosingEndsItToo) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  fill(*line.transport);
  line.transport->close();
  ends.read.close();
  run_until_lost(line);
  EXPECT_TRUE(holds<BrokenPipeError>(line.recorder->error));
}

TEST_F(PipeTransportTest, WritingToAReaderThatHasJustGoneIsAnErrorAndNoSignal) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  ends.read.close();
  line.transport->write("into the void");
  EXPECT_TRUE(line.transport->is_closing());
  run_until_lost(line);
  EXPECT_TRUE(holds<BrokenPipeError>(line.recorder->error));
}

TEST_F(PipeTransportTest, WritesThatComeTooLateAreDroppedWithAWarningFromTheFifthOn) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  line.transport->close();
  run_until_lost(line);
  std::vector<std::string> warnings;
  LogSink before =
      set_log_sink([&](LogSeverity, std::string_view message) { warnings.emplace_back(message); });
  for (int i = 0; i < 5; ++i) line.transport->write("x");
  set_log_sink(std::move(before));
  EXPECT_THAT(warnings,
              ElementsAre("pipe closed by peer or os.write(pipe, data) raised exception."));
}

TEST_F(PipeTransportTest, TheProtocolIsPausedAndResumedByTurns) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  line.transport->set_write_buffer_limits(0);
  fill(*line.transport);
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause"}));
  run_until([&] {
    read_now(ends.read);
    return line.transport->get_write_buffer_size() == 0;
  });
  EXPECT_EQ(line.recorder->calls, (Calls{"made", "pause", "resume"}));
}

TEST_F(PipeTransportTest, AFifoThatHoldsUnreadDataHasNotLostItsReader) {
  PipeEnds ends = fifo();
  const Line line = writing(std::move(ends.write));
  line.transport->write("unread");
  run_until([] { return true; });
  loop_.run([]() -> Coro<> { co_await turns(5); });
  EXPECT_FALSE(line.transport->is_closing());
  EXPECT_EQ(read_now(ends.read), "unread");
}

TEST_F(PipeTransportTest, ATerminalIsReadAndWrittenAtBothEnds) {
  PipeEnds ends = terminal();
  FileDescriptor master_again(check(::fcntl(ends.read.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
  FileDescriptor slave_again(check(::fcntl(ends.write.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
  const Line from_master = reading(std::move(ends.read));
  const Line to_master = writing(std::move(master_again));
  const Line from_slave = reading(std::move(ends.write));
  const Line to_slave = writing(std::move(slave_again));
  to_master.transport->write("in");
  to_slave.transport->write("out");
  run_until([&] {
    return from_slave.recorder->received == "in" && from_master.recorder->received == "out";
  });
  EXPECT_FALSE(to_slave.transport->is_closing()) << "what it has to read is no hang-up";
}

TEST_F(PipeTransportTest, TheEndThatIsWrittenIsNotRead) {
  PipeEnds ends = plain_pipe();
  const Line line = writing(std::move(ends.write));
  EXPECT_FALSE(line.transport->is_reading());
  line.transport->pause_reading();
  line.transport->resume_reading();
  EXPECT_FALSE(line.transport->is_reading());
}

// Both.

TEST_F(PipeTransportTest, ARegularFileIsRefusedAndStaysTheCallers) {
  FileDescriptor file = regular_file();
  EXPECT_THROW(static_cast<void>(connect_read_pipe(std::make_shared<Recorder>, std::move(file))),
               std::invalid_argument);
  EXPECT_TRUE(file.valid());
  EXPECT_THROW(static_cast<void>(connect_write_pipe(std::make_shared<Recorder>, std::move(file))),
               std::invalid_argument);
  EXPECT_TRUE(file.valid());
}

TEST_F(PipeTransportTest, ItsDescriptorIsInTheExtraInfoAndIsNonBlocking) {
  PipeEnds ends = plain_pipe();
  for (const Line& line : {reading(std::move(ends.read)), writing(std::move(ends.write))}) {
    EXPECT_EQ(std::any_cast<int>(line.transport->get_extra_info("pipe")), line.transport->fileno());
    EXPECT_FALSE(line.transport->get_extra_info("peername").has_value());
    EXPECT_EQ(line.transport->sockname(), SocketAddress());
    EXPECT_NE(::fcntl(line.transport->fileno(), F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST_F(PipeTransportTest, WhatTheFactoryThrowsPassesAndThePipeIsClosed) {
  const OpenDescriptors before;
  PipeEnds ends = plain_pipe();
  loop_.run([&]() -> Coro<> {
    auto factory = []() -> std::shared_ptr<Recorder> { throw std::runtime_error("no protocol"); };
    const std::exception_ptr error = co_await failure_of(
        [&]() -> Coro<> { co_await connect_read_pipe(factory, std::move(ends.read)); });
    EXPECT_EQ(text_of(error), "no protocol");
  });
  ends.write.close();
  EXPECT_THAT(before.opened_since(), IsEmpty());
}

TEST_F(PipeTransportTest, CancelledInAnyTurnNothingStaysOpen) {
  for (int turn = 0; turn < 4; ++turn) {
    const OpenDescriptors before;
    PipeEnds ends = plain_pipe();
    loop_.run([&]() -> Coro<> {
      Task<> connecting = create_task([&]() -> Coro<> {
        const auto [transport, recorder] =
            co_await connect_read_pipe(std::make_shared<Recorder>, std::move(ends.read));
        transport->close();
      });
      co_await turns(turn);
      connecting.cancel();
      co_await error_of(connecting);
      co_await turns(3);
    });
    ends.read.close();  // which nobody has taken if it was cancelled at once
    ends.write.close();
    EXPECT_THAT(before.opened_since(), IsEmpty()) << "cancelled after " << turn << " turns";
  }
}

}  // namespace
}  // namespace asyncio
