// Every system call of readers and writers, made to fail in every way.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "asyncio/streams/open_connection.h"
#include "asyncio/streams/start_server.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/testing.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/temporary_folder.h"

namespace asyncio {
namespace {

using testing::fail_every_syscall;
using testing::without_faults;

// Above the limits of a reader and of a writer.
constexpr std::size_t kSize = 200'000;

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string data = co_await reader.read(kSize);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

Coro<> ask(StreamReader* reader, StreamWriter* writer, const std::string& question,
           std::string* answer) {
  writer->write(question);
  co_await writer->drain();
  writer->write_eof();
  *answer = co_await reader->read();
  writer->close();
  co_await writer->wait_closed();
  if (*answer != question) throw std::runtime_error("another answer");
}

class StreamSyscallFaultsTest : public ::testing::Test {
 protected:
  // Of what has arrived no byte was another than the one sent.
  bool intact() const { return question_.starts_with(answer_); }

  const std::string question_ = noise(kSize);
  std::string answer_;
};

TEST_F(StreamSyscallFaultsTest, AServerAndItsClient) {
  fail_every_syscall(
      [this]() -> Coro<> {
        answer_.clear();
        Server server = co_await start_server(echo, "127.0.0.1", 0);
        const std::uint16_t port =
            without_faults([&] { return server.sockets()[0].getsockname().port(); });
        auto [reader, writer] = co_await open_connection("127.0.0.1", port);
        co_await ask(&reader, &writer, question_, &answer_);
        server.close();
        co_await server.wait_closed();
      },
      [this] { return intact(); });
}

TEST_F(StreamSyscallFaultsTest, AServerOnAPathAndItsClient) {
  const TemporaryFolder folder;
  int run = 0;
  fail_every_syscall(
      [&, this]() -> Coro<> {
        answer_.clear();
        const std::string path = folder.path_of(std::to_string(++run));
        Server server = co_await start_unix_server(echo, path);
        auto [reader, writer] = co_await open_unix_connection(path);
        co_await ask(&reader, &writer, question_, &answer_);
        server.close();
        co_await server.wait_closed();
      },
      [this] { return intact(); });
}

}  // namespace
}  // namespace asyncio
