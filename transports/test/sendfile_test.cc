#include "asyncio/transports/sendfile.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <any>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/sock_operations.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

// More than the kernel takes into narrow buffers, and more than one block through a socket.
constexpr std::size_t kLarge = 300'000;

class TestFile {
 public:
  explicit TestFile(std::size_t size) : data(noise(size, 7)) {
    std::string path = ::testing::TempDir() + "/sendfile_XXXXXX";
    fd_.reset(check(::mkostemp(path.data(), O_CLOEXEC), "mkostemp"));
    check(::unlink(path.c_str()), "unlink");
    EXPECT_EQ(::pwrite(fd_.get(), data.data(), size, 0), static_cast<ssize_t>(size));
  }

  int fileno() const { return fd_.get(); }
  std::size_t position() const {
    return static_cast<std::size_t>(check(::lseek(fileno(), 0, SEEK_CUR), "lseek"));
  }
  void seek(std::int64_t position) const { check(::lseek(fileno(), position, SEEK_SET), "lseek"); }

  const std::string data;

 private:
  FileDescriptor fd_;
};

enum class Way { kNative, kBlocks };
constexpr Way kBothWays[] = {Way::kNative, Way::kBlocks};

// The system sends no file to what is written at its end only; to send() that means nothing.
void prepare(Way way, int socket) {
  if (way == Way::kNative) return;
  const int flags = check(::fcntl(socket, F_GETFL), "fcntl");
  check(::fcntl(socket, F_SETFL, flags | O_APPEND), "fcntl");
}

template <class E>
void expect_error(const std::exception_ptr& error, std::string_view text) {
  EXPECT_TRUE(holds<E>(error));
  EXPECT_EQ(text_of(error), text);
}

// Through a socket.

class SockSendfileTest : public ::testing::Test {
 protected:
  Coro<std::exception_ptr> failure(Socket& socket, int file,
                                   SendfileOptions options = SendfileOptions()) {
    co_return co_await failure_of(
        [&]() -> Coro<> { co_await sock_sendfile(socket, file, options); });
  }

  WatchedLoop loop_;
};

TEST_F(SockSendfileTest, WhatTheKernelTakesIsSentWithoutATurn) {
  Ends ends = connected_ends();
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    EXPECT_EQ(co_await sock_sendfile(ends.ours, file.fileno()), 1000u);
    EXPECT_EQ(loop_.turns(), before);
  });
  EXPECT_EQ(ends.peer.recv_now(), file.data);
  EXPECT_EQ(file.position(), 1000u);
}

TEST_F(SockSendfileTest, ALargeFileArrivesWholeInEitherWay) {
  for (const Way way : kBothWays) {
    Ends ends = connected_ends(kNarrow);
    prepare(way, ends.ours.fileno());
    const TestFile file(kLarge);
    loop_.run([&]() -> Coro<> {
      auto sending =
          create_task(sock_sendfile, std::ref(ends.ours), file.fileno(), SendfileOptions());
      EXPECT_TRUE(co_await ends.peer.recv_all(kLarge) == file.data);
      EXPECT_EQ(co_await sending, kLarge);
      EXPECT_FALSE(loop_.remove_writer(ends.ours.fileno()));
    });
    EXPECT_EQ(file.position(), kLarge);
  }
}

TEST_F(SockSendfileTest, APartIsSentFromWhereItSaysWhereverTheFileStands) {
  struct Part {
    SendfileOptions options;
    std::size_t sent;
  };
  const Part parts[] = {
      {{.offset = 0}, 5000},
      {{.offset = 2000}, 3000},
      {{.offset = 5000}, 0},
      {{.offset = 9000}, 0},
      {{.offset = 0, .count = 1}, 1},
      {{.offset = 1234, .count = 2345}, 2345},
      {{.offset = 4999, .count = 10}, 1},
  };
  for (const Way way : kBothWays) {
    for (const Part& part : parts) {
      Ends ends = connected_ends();
      prepare(way, ends.ours.fileno());
      const TestFile file(5000);
      file.seek(77);
      loop_.run([&]() -> Coro<> {
        EXPECT_EQ(co_await sock_sendfile(ends.ours, file.fileno(), part.options), part.sent);
      });
      ends.ours.shutdown_write();
      const auto from = static_cast<std::size_t>(part.options.offset);
      EXPECT_EQ(ends.peer.recv_now(), part.sent == 0 ? "" : file.data.substr(from, part.sent));
      EXPECT_EQ(file.position(), part.sent == 0 ? 77 : from + part.sent);
    }
  }
}

TEST_F(SockSendfileTest, NothingIsSentOfAnEmptyFile) {
  Ends ends = connected_ends();
  const TestFile file(0);
  loop_.run([&]() -> Coro<> {
    EXPECT_EQ(co_await sock_sendfile(ends.ours, file.fileno()), 0u);
    EXPECT_EQ(co_await sock_sendfile(ends.ours, file.fileno(), {.fallback = false}), 0u);
  });
  EXPECT_EQ(file.position(), 0u);
}

TEST_F(SockSendfileTest, ItKeepsItsPlaceBetweenWhatIsSentBeforeAndAfter) {
  for (const Way way : kBothWays) {
    Ends ends = connected_ends(kNarrow);
    prepare(way, ends.ours.fileno());
    const TestFile file(kLarge);
    const std::string before = noise(100'000, 2);
    const std::string after = noise(100'000, 3);
    loop_.run([&]() -> Coro<> {
      const auto send = [&]() -> Coro<> {
        co_await sock_sendall(ends.ours, before);
        co_await sock_sendfile(ends.ours, file.fileno());
        co_await sock_sendall(ends.ours, after);
      };
      auto sending = create_task(send);
      const std::string received = co_await ends.peer.recv_all(kLarge + 200'000);
      EXPECT_TRUE(received == before + file.data + after);
      co_await sending;
    });
  }
}

TEST_F(SockSendfileTest, CancelledItLeavesThePositionWhereThePeersDataEnd) {
  for (const Way way : kBothWays) {
    for (const int moment : {0, 1, 2, 5}) {
      Ends ends = connected_ends(kNarrow);
      prepare(way, ends.ours.fileno());
      const TestFile file(kLarge);
      loop_.run([&]() -> Coro<> {
        auto sending =
            create_task(sock_sendfile, std::ref(ends.ours), file.fileno(), SendfileOptions());
        co_await turns(moment);
        if (moment == 5) co_await until([&] { return is_readable(ends.peer.fileno()); });
        sending.cancel();
        EXPECT_TRUE(holds<CancelledError>(co_await error_of(sending)));
        EXPECT_FALSE(loop_.remove_writer(ends.ours.fileno()));
        ends.ours.shutdown_write();
        const std::string received = co_await ends.peer.recv_all();
        EXPECT_EQ(file.position(), received.size());
        EXPECT_TRUE(file.data.starts_with(received));
        EXPECT_TRUE(moment < 5 || !received.empty());
      });
    }
  }
}

TEST_F(SockSendfileTest, WhatIsNoRegularFileIsSentInBlocksOrNotAtAll) {
  Ends ends = connected_ends();
  std::array<int, 2> pipe{};
  check(::pipe2(pipe.data(), O_CLOEXEC), "pipe2");
  const FileDescriptor out(pipe[0]);
  FileDescriptor in(pipe[1]);
  EXPECT_EQ(::write(in.get(), "from a pipe", 11), 11);
  in.close();
  loop_.run([&]() -> Coro<> {
    expect_error<SendfileNotAvailableError>(
        co_await failure(ends.ours, out.get(), {.fallback = false}), "not a regular file");
    EXPECT_EQ(co_await sock_sendfile(ends.ours, out.get()), 11u);
  });
  EXPECT_EQ(ends.peer.recv_now(), "from a pipe");
}

TEST_F(SockSendfileTest, OfAFileThatShrinksMeanwhileNoMoreIsSentAndOfOneThatGrowsWhatItHad) {
  for (const std::size_t new_size : {kLarge / 2, 2 * kLarge}) {
    Ends ends = connected_ends(kNarrow);
    const TestFile file(kLarge);
    const std::size_t expected = std::min(kLarge, new_size);
    loop_.run([&]() -> Coro<> {
      auto sending =
          create_task(sock_sendfile, std::ref(ends.ours), file.fileno(), SendfileOptions());
      co_await turns(2);
      check(::ftruncate(file.fileno(), static_cast<off_t>(new_size)), "ftruncate");
      const std::string received = co_await ends.peer.recv_all(expected);
      EXPECT_TRUE(file.data.starts_with(received));
      EXPECT_EQ(co_await sending, expected);
      EXPECT_EQ(file.position(), expected);
    });
  }
}

TEST_F(SockSendfileTest, AFileThatCannotBeReadIsAnOsError) {
  Ends ends = connected_ends();
  const FileDescriptor file(
      check(::open(::testing::TempDir().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), "open"));
  EXPECT_EQ(::write(file.get(), "x", 1), 1);
  loop_.run([&]() -> Coro<> {
    const std::exception_ptr error = co_await failure(ends.ours, file.get());
    EXPECT_TRUE(holds<OsError>(error));
    EXPECT_THAT(text_of(error), ::testing::StartsWith("read: "));
  });
}

TEST_F(SockSendfileTest, WhatIsNoDescriptorIsNotSent) {
  Ends ends = connected_ends();
  loop_.run([&]() -> Coro<> {
    expect_error<SendfileNotAvailableError>(co_await failure(ends.ours, -1, {.fallback = false}),
                                            "not a regular file");
    EXPECT_TRUE(holds<OsError>(co_await failure(ends.ours, -1)));
  });
}

TEST_F(SockSendfileTest, IfTheSystemRefusesAtOnceItIsNotAvailableAndThePositionStays) {
  Ends ends = connected_ends();
  prepare(Way::kBlocks, ends.ours.fileno());
  const TestFile file(1000);
  file.seek(77);
  loop_.run([&]() -> Coro<> {
    expect_error<SendfileNotAvailableError>(
        co_await failure(ends.ours, file.fileno(), {.fallback = false}), "os.sendfile call failed");
  });
  EXPECT_EQ(file.position(), 77u);
}

TEST_F(SockSendfileTest, APeerThatGoesInTheMiddleIsAConnectionErrorAndThePositionTellsHowMuch) {
  for (const Way way : kBothWays) {
    Ends ends = connected_ends(kNarrow);
    prepare(way, ends.ours.fileno());
    const TestFile file(kLarge);
    loop_.run([&]() -> Coro<> {
      auto sending =
          create_task(sock_sendfile, std::ref(ends.ours), file.fileno(), SendfileOptions());
      co_await until([&] { return is_readable(ends.peer.fileno()); });
      ends.peer.reset();
      EXPECT_TRUE(holds<ConnectionError>(co_await error_of(sending)));
    });
    EXPECT_GT(file.position(), 0u);
    EXPECT_LT(file.position(), kLarge);
  }
}

TEST_F(SockSendfileTest, NobodyToSendToIsNoSignal) {
  Ends ends = connected_ends();
  const TestFile file(1000);
  ends.ours.shutdown_write();
  loop_.run([&]() -> Coro<> {
    EXPECT_TRUE(holds<SendfileNotAvailableError>(
        co_await failure(ends.ours, file.fileno(), {.fallback = false})));
    EXPECT_TRUE(holds<BrokenPipeError>(co_await failure(ends.ours, file.fileno())));
  });
}

TEST_F(SockSendfileTest, WrongArgumentsAreRefused) {
  Ends ends = connected_ends();
  Socket datagrams = Socket::open(AF_INET, SOCK_DGRAM);
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    expect_error<std::invalid_argument>(co_await failure(datagrams, file.fileno()),
                                        "only SOCK_STREAM type sockets are supported");
    expect_error<std::invalid_argument>(co_await failure(ends.ours, file.fileno(), {.count = 0}),
                                        "count must be a positive integer (got 0)");
    expect_error<std::invalid_argument>(co_await failure(ends.ours, file.fileno(), {.count = -1}),
                                        "count must be a positive integer (got -1)");
    expect_error<std::invalid_argument>(co_await failure(ends.ours, file.fileno(), {.offset = -1}),
                                        "offset must be a non-negative integer (got -1)");
    check(::fcntl(ends.ours.fileno(), F_SETFL, 0), "fcntl");
    loop_.set_debug(true);
    expect_error<std::invalid_argument>(co_await failure(ends.ours, file.fileno()),
                                        "the socket must be non-blocking");
  });
}

// Through a transport.

struct Line {
  Line(EventLoop& loop, Way way, EndsOptions options) : Line(loop, way, connected_ends(options)) {}
  Line(EventLoop& loop, Way way, Ends ends)
      : recorder(std::make_shared<Recorder>()),
        transport(SocketTransport::start(loop, std::move(ends.ours), recorder, nullptr)),
        peer(std::move(ends.peer)) {
    prepare(way, transport->fileno());
  }

  std::shared_ptr<Recorder> recorder;
  std::shared_ptr<Transport> transport;
  Peer peer;
};

// A transport of somebody else's, which says whether it takes files.
class OtherTransport final : public Transport {
 public:
  OtherTransport(std::shared_ptr<Transport> inner, bool takes_files)
      : inner_(std::move(inner)), takes_files_(takes_files) {}

  bool can_sendfile() const noexcept override { return takes_files_; }

  void close() override { inner_->close(); }
  void abort() override { inner_->abort(); }
  bool is_closing() const noexcept override { return inner_->is_closing(); }
  std::size_t get_write_buffer_size() const noexcept override {
    return inner_->get_write_buffer_size();
  }
  WriteBufferLimits get_write_buffer_limits() const noexcept override {
    return inner_->get_write_buffer_limits();
  }
  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    inner_->set_write_buffer_limits(high, low);
  }
  SocketAddress sockname() const override { return inner_->sockname(); }
  SocketAddress peername() const override { return inner_->peername(); }
  int fileno() const noexcept override { return inner_->fileno(); }
  std::any get_extra_info(std::string_view name, std::any fallback) const override {
    return inner_->get_extra_info(name, std::move(fallback));
  }
  void set_protocol(std::shared_ptr<BufferedProtocol> protocol) override {
    inner_->set_protocol(std::move(protocol));
  }
  std::shared_ptr<BufferedProtocol> get_protocol() const override { return inner_->get_protocol(); }
  void pause_reading() override { inner_->pause_reading(); }
  void resume_reading() override { inner_->resume_reading(); }
  bool is_reading() const noexcept override { return inner_->is_reading(); }
  void write(std::string_view data) override { inner_->write(data); }
  void writelines(std::span<const std::string_view> pieces) override { inner_->writelines(pieces); }
  void write_eof() override { inner_->write_eof(); }
  bool can_write_eof() const noexcept override { return inner_->can_write_eof(); }

 private:
  const std::shared_ptr<Transport> inner_;
  const bool takes_files_;
};

template <class T>
concept TakesFiles = requires(T& transport) { sendfile(transport, 0); };
static_assert(TakesFiles<Transport>);
static_assert(!TakesFiles<DatagramTransport>, "a datagram transport has no stream to send into");

class SendfileTest : public ::testing::Test {
 protected:
  Line connect(Way way = Way::kNative, EndsOptions options = kNarrow) {
    return Line(loop_, way, options);
  }

  Task<std::size_t> start(const Line& line, const TestFile& file,
                          SendfileOptions options = SendfileOptions()) {
    return create_task(sendfile, std::ref(*line.transport), file.fileno(), options);
  }

  Coro<std::exception_ptr> failure(Transport& transport, const TestFile& file,
                                   SendfileOptions options = SendfileOptions()) {
    co_return co_await failure_of(
        [&]() -> Coro<> { co_await sendfile(transport, file.fileno(), options); });
  }

  // Until the sender waits for the peer.
  static Coro<> until_stuck(const Line& line) {
    co_await until([&] { return is_readable(line.peer.fileno()); });
    co_await turns(5);
  }

  WatchedLoop loop_;
};

TEST_F(SendfileTest, AFileAndAPartOfOneArriveWholeInEitherWay) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(kLarge);
    file.seek(77);
    loop_.run([&]() -> Coro<> {
      auto whole = start(line, file);
      EXPECT_TRUE(co_await line.peer.recv_all(kLarge) == file.data);
      EXPECT_EQ(co_await whole, kLarge);
      EXPECT_EQ(file.position(), kLarge);
      auto part = start(line, file, {.offset = 1234, .count = 100'000});
      EXPECT_TRUE(co_await line.peer.recv_all(100'000) == file.data.substr(1234, 100'000));
      EXPECT_EQ(co_await part, 100'000u);
      EXPECT_EQ(file.position(), 101'234u);
    });
    EXPECT_EQ(line.transport->get_protocol(), line.recorder);
    EXPECT_FALSE(line.transport->is_closing());
    line.transport->abort();
  }
}

TEST_F(SendfileTest, WhatIsWrittenBeforeGoesFirstAndWhatIsWrittenAfterGoesLast) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(kLarge);
    const std::string before = noise(60'000, 2);
    const std::string after = noise(60'000, 3);
    loop_.run([&]() -> Coro<> {
      line.transport->write(before);
      const auto send = [&]() -> Coro<> {
        EXPECT_EQ(co_await sendfile(*line.transport, file.fileno()), kLarge);
        line.transport->write(after);
        line.transport->close();
      };
      auto sending = create_task(send);
      EXPECT_TRUE(co_await line.peer.recv_all() == before + file.data + after);
      co_await sending;
    });
  }
}

TEST_F(SendfileTest, AFileTheKernelTakesAtOnceTakesNoTurn) {
  Line line = connect(Way::kNative, EndsOptions());
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    const int before = loop_.turns();
    EXPECT_EQ(co_await sendfile(*line.transport, file.fileno()), 1000u);
    EXPECT_EQ(loop_.turns(), before);
    EXPECT_EQ(line.peer.recv_now(), file.data);
  });
}

TEST_F(SendfileTest, AClosingTransportSendsNoFile) {
  Line line = connect();
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    line.transport->close();
    expect_error<std::runtime_error>(co_await failure(*line.transport, file),
                                     "Transport is closing");
  });
}

TEST_F(SendfileTest, AfterWriteEofNoFileIsSent) {
  Line line = connect();
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    line.transport->write_eof();
    expect_error<std::runtime_error>(co_await failure(*line.transport, file),
                                     "Cannot call write() after write_eof()");
    line.transport->abort();
  });
}

TEST_F(SendfileTest, ATransportThatDoesNotSayThatItTakesFilesIsNotSupported) {
  Line line = connect();
  const TestFile file(1000);
  OtherTransport other(line.transport, false);
  loop_.run([&]() -> Coro<> {
    EXPECT_THAT(text_of(co_await failure(other, file)),
                ::testing::StartsWith("sendfile is not supported for transport"));
  });
}

TEST_F(SendfileTest, ATransportThatIsNoSocketGetsBlocksUnlessTheyAreDisabled) {
  Line line = connect();
  const TestFile file(kLarge);
  OtherTransport other(line.transport, true);
  loop_.run([&]() -> Coro<> {
    EXPECT_THAT(text_of(co_await failure(other, file, {.fallback = false})),
                ::testing::StartsWith("fallback is disabled and native sendfile is not supported"));
    EXPECT_EQ(file.position(), 0u);
    auto sending = create_task(sendfile, std::ref(static_cast<Transport&>(other)), file.fileno(),
                               SendfileOptions());
    EXPECT_TRUE(co_await line.peer.recv_all(kLarge) == file.data);
    EXPECT_EQ(co_await sending, kLarge);
  });
}

TEST_F(SendfileTest, IfTheSystemRefusesAndBlocksAreDisabledItIsNotAvailable) {
  Line line = connect(Way::kBlocks);
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    expect_error<SendfileNotAvailableError>(
        co_await failure(*line.transport, file, {.fallback = false}), "os.sendfile call failed");
    line.transport->write("as usable as before");
    EXPECT_EQ(co_await line.peer.recv(), "as usable as before");
  });
}

TEST_F(SendfileTest, WrongArgumentsAreRefused) {
  Line line = connect();
  const TestFile file(1000);
  loop_.run([&]() -> Coro<> {
    expect_error<std::invalid_argument>(co_await failure(*line.transport, file, {.count = 0}),
                                        "count must be a positive integer (got 0)");
    expect_error<std::invalid_argument>(co_await failure(*line.transport, file, {.offset = -1}),
                                        "offset must be a non-negative integer (got -1)");
  });
}

TEST_F(SendfileTest, WhileTheSystemSendsNobodyElseMayWrite) {
  Line line = connect();
  const TestFile file(kLarge);
  const auto refused = [](const auto& action) {
    try {
      action();
    } catch (const std::runtime_error& error) {
      return std::string_view(error.what()) == "unable to write; sendfile is in progress";
    }
    return false;
  };
  loop_.run([&]() -> Coro<> {
    auto sending = start(line, file);
    co_await until_stuck(line);
    EXPECT_TRUE(refused([&] { line.transport->write("x"); }));
    EXPECT_TRUE(refused([&] { line.transport->writelines({}); }));
    expect_error<std::runtime_error>(co_await failure(*line.transport, file),
                                     "unable to write; sendfile is in progress");
    EXPECT_TRUE(co_await line.peer.recv_all(kLarge) == file.data);
    co_await sending;
    line.transport->write("x");
    EXPECT_EQ(co_await line.peer.recv(), "x");
  });
}

TEST_F(SendfileTest, AConnectionOverWhichAFileLeavesIsNotIdleAndOneThatIsStuckIs) {
  Line line = connect();
  auto& transport = static_cast<SocketTransport&>(*line.transport);
  const TestFile file(kLarge);
  loop_.run([&]() -> Coro<> {
    auto sending = start(line, file);
    co_await until_stuck(line);
    transport.take_activity();
    co_await turns(5);
    EXPECT_FALSE(transport.take_activity());
    co_await line.peer.recv_all(kLarge / 2);
    EXPECT_TRUE(transport.take_activity());
    co_await line.peer.recv_all(kLarge / 2);
    co_await sending;
  });
}

TEST_F(SendfileTest, TheEndOfTheStreamWaitsForTheEndOfTheFile) {
  Line line = connect();
  const TestFile file(kLarge);
  loop_.run([&]() -> Coro<> {
    line.transport->write(noise(100'000, 2));
    auto sending = start(line, file);
    co_await turns(3);
    line.transport->write_eof();
    EXPECT_TRUE(co_await line.peer.recv_all() == noise(100'000, 2) + file.data);
    EXPECT_EQ(co_await sending, kLarge);
    EXPECT_THROW(line.transport->write("x"), std::runtime_error);
  });
}

TEST_F(SendfileTest, WhileAFileIsSentNothingIsReceived) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(kLarge);
    loop_.run([&]() -> Coro<> {
      co_await turns(3);
      line.peer.send("a request");
      auto sending = start(line, file);
      co_await until_stuck(line);
      EXPECT_FALSE(line.transport->is_reading());
      EXPECT_EQ(line.recorder->received, "");
      co_await line.peer.recv_all(kLarge);
      co_await sending;
      EXPECT_TRUE(line.transport->is_reading());
      co_await until([&] { return line.recorder->received == "a request"; });
    });
  }
}

TEST_F(SendfileTest, WhoWasNotReceivingBeforeIsNotReceivingAfterwards) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(1000);
    loop_.run([&]() -> Coro<> {
      line.transport->pause_reading();
      EXPECT_EQ(co_await sendfile(*line.transport, file.fileno()), 1000u);
      EXPECT_FALSE(line.transport->is_reading());
    });
  }
}

TEST_F(SendfileTest, APeerThatGoesAfterTheLastByteIsNoError) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(kLarge);
    loop_.run([&]() -> Coro<> {
      auto sending = start(line, file);
      EXPECT_TRUE(co_await line.peer.recv_all(kLarge) == file.data);
      line.peer.close();
      EXPECT_EQ(co_await sending, kLarge);
      co_await until([&] { return line.recorder->lost; });
    });
  }
}

TEST_F(SendfileTest, APeerThatGoesInTheMiddleIsAConnectionErrorAndThePositionTellsHowMuch) {
  for (const Way way : kBothWays) {
    Line line = connect(way);
    const TestFile file(kLarge);
    loop_.run([&]() -> Coro<> {
      auto sending = start(line, file);
      co_await until_stuck(line);
      line.peer.reset();
      EXPECT_TRUE(holds<ConnectionError>(co_await error_of(sending)));
      EXPECT_GT(file.position(), 0u);
      EXPECT_LT(file.position(), kLarge);
      co_await until([&] { return line.recorder->lost; });
    });
    EXPECT_THAT(line.recorder->calls.back(), ::testing::StartsWith("lost"));
  }
}

TEST_F(SendfileTest, EndedFromHereItIsAConnectionErrorAndTheConnectionIsLostOnce) {
  for (const Way way : kBothWays) {
    for (const bool abort : {false, true}) {
      for (const std::size_t buffered : {0, 30'000}) {
        Line line = connect(way);
        const TestFile file(kLarge);
        loop_.run([&]() -> Coro<> {
          line.transport->write(noise(buffered));
          auto sending = start(line, file);
          co_await until_stuck(line);
          abort ? line.transport->abort() : line.transport->close();
          line.transport.reset();
          co_await line.peer.recv_all();
          EXPECT_TRUE(holds<ConnectionAbortedError>(co_await error_of(sending)));
          co_await until([&] { return line.recorder->lost; });
          co_await turns(3);
        });
        EXPECT_EQ(std::count(line.recorder->calls.begin(), line.recorder->calls.end(), "lost"), 1);
        EXPECT_TRUE(loop_.reports().empty());
      }
    }
  }
}

TEST_F(SendfileTest, CancelledItLeavesThePositionWhereTheDataEndAndTheTransportUsable) {
  for (const Way way : kBothWays) {
    for (const std::size_t buffered : {0, 30'000}) {
      for (const int moment : {0, 1, 2, 3, 10}) {
        Line line = connect(way);
        const TestFile file(kLarge);
        loop_.run([&]() -> Coro<> {
          line.transport->write(noise(buffered));
          auto sending = start(line, file);
          co_await turns(moment);
          if (moment == 10) co_await until_stuck(line);
          sending.cancel();
          EXPECT_TRUE(holds<CancelledError>(co_await error_of(sending)));
          line.transport->write("end");
          line.transport->close();
          const std::string received = co_await line.peer.recv_all();
          EXPECT_TRUE(received == noise(buffered) + file.data.substr(0, file.position()) + "end");
          co_await until([&] { return line.recorder->lost; });
        });
        EXPECT_TRUE(loop_.reports().empty());
      }
    }
  }
}

TEST_F(SendfileTest, BlocksHeedTheMarksAndTheProtocolIsPausedAndResumedByTurns) {
  Line line = connect(Way::kBlocks);
  const TestFile file(kLarge);
  bool paused = false;
  std::size_t most = 0;
  line.transport->set_write_buffer_limits(20'000, 1'000);
  line.recorder->on_pause = [&] { EXPECT_FALSE(std::exchange(paused, true)); };
  line.recorder->on_resume = [&] { EXPECT_TRUE(std::exchange(paused, false)); };
  loop_.after_turn([&] { most = std::max(most, line.transport->get_write_buffer_size()); });
  loop_.run([&]() -> Coro<> {
    auto sending = start(line, file);
    std::string received;
    // Of a part that waits for a pause more is left than the buffers on the way can hold.
    for (int part = 0; part < 3; ++part) {
      co_await until([&] { return paused; });
      received += co_await line.peer.recv_all(kLarge / 4);
    }
    received += co_await line.peer.recv_all(kLarge - received.size());
    EXPECT_TRUE(received == file.data);
    co_await sending;
    co_await until([&] { return !paused; });
  });
  EXPECT_LE(most, 20'000u + 16 * 1024);
  EXPECT_GE(std::count(line.recorder->calls.begin(), line.recorder->calls.end(), "pause"), 3);
}

TEST_F(SendfileTest, StartedWhilePausedBlocksWaitToo) {
  Line line = connect(Way::kBlocks);
  const TestFile file(kLarge);
  const std::string before = noise(300'000, 2);
  loop_.run([&]() -> Coro<> {
    line.transport->write(before);
    const std::size_t buffered = line.transport->get_write_buffer_size();
    auto sending = start(line, file);
    co_await until_stuck(line);
    EXPECT_LE(line.transport->get_write_buffer_size(), buffered + 16 * 1024);
    EXPECT_TRUE(co_await line.peer.recv_all(before.size() + kLarge) == before + file.data);
    co_await sending;
  });
  EXPECT_EQ(line.recorder->calls[1], "pause");
}

TEST_F(SendfileTest, EndedInsideACallbackOfTheProtocolItEndsOnceAndForAll) {
  using Hook = std::function<void()> Recorder::*;
  enum class Ending { kCancel, kClose, kAbort, kThrow };
  for (const Hook hook : {&Recorder::on_pause, &Recorder::on_resume, &Recorder::on_lost}) {
    for (const Ending ending : {Ending::kCancel, Ending::kClose, Ending::kAbort, Ending::kThrow}) {
      Line line = connect(Way::kBlocks);
      const TestFile file(kLarge);
      loop_.run([&]() -> Coro<> {
        auto sending = start(line, file);
        ((*line.recorder).*hook) = [&] {
          if (ending == Ending::kCancel) sending.cancel();
          if (ending == Ending::kClose) line.recorder->transport->close();
          if (ending == Ending::kAbort) line.recorder->transport->abort();
          if (ending == Ending::kThrow) throw std::runtime_error("oops");
        };
        const std::weak_ptr<Transport> open = std::exchange(line.transport, nullptr);
        if (hook == &Recorder::on_lost) {
          co_await until_stuck(line);
          line.peer.reset();
        } else {
          const auto receive = [&]() -> Coro<> { co_await line.peer.recv_all(kLarge); };
          auto receiving = create_task(receive);
          co_await until([&] { return sending.done(); });
          receiving.cancel();
        }
        co_await error_of(sending);
        if (const auto transport = open.lock()) transport->abort();
        co_await until([&] { return open.expired(); });
      });
      const auto is_lost = [](const std::string& call) { return call.starts_with("lost"); };
      EXPECT_EQ(std::ranges::count_if(line.recorder->calls, is_lost), 1);
    }
  }
}

TEST_F(SendfileTest, ALoopThatIsClosedUnderItEndsIt) {
  for (const Way way : kBothWays) {
    auto loop = std::make_unique<WatchedLoop>();
    Line line(*loop, way, kNarrow);
    const TestFile file(kLarge);
    loop->run([&]() -> Coro<> {
      auto sending = start(line, file);
      co_await until_stuck(line);
    });
    loop->close();
    EXPECT_TRUE(line.recorder->lost);
  }
}

}  // namespace
}  // namespace asyncio
