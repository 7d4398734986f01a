// What crosses the borders of a process: descriptors that others inherit, system calls that a
// sandbox forbids, and what a forked child still holds.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/datagram_endpoint.h"
#include "asyncio/transports/pipe_transport.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/sock_operations.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"
#include "asyncio/transports/unix_connection.h"
#include "asyncio/transports/unix_server.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/temporary_folder.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

std::unique_ptr<Protocol> make_protocol() { return std::make_unique<Protocol>(); }
std::unique_ptr<DatagramProtocol> make_datagram_protocol() {
  return std::make_unique<DatagramProtocol>();
}

struct PipeOfProcess {
  FileDescriptor out;
  FileDescriptor in;
};

PipeOfProcess make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::string read_all(int fd) {
  std::string all;
  std::array<char, 4096> buffer;
  while (const ssize_t size = check(::read(fd, buffer.data(), buffer.size()), "read")) {
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return all;
}

// Every kind of descriptor that the library opens, for as long as `while_open` runs.
template <class F>
Coro<> with_everything_open(const std::string& path, F while_open) {
  const Server server = co_await create_server(make_protocol, "127.0.0.1", 0);
  const Port port = server.sockets()[0].getsockname().port();
  auto tcp = co_await create_connection(make_protocol, "localhost", port);
  const Server unix_server = co_await create_unix_server(make_protocol, path);
  auto unix_connection = co_await create_unix_connection(make_protocol, path);
  DatagramOptions local;
  local.local_addr = HostPort{"127.0.0.1"};
  auto datagrams = co_await create_datagram_endpoint(make_datagram_protocol, local);
  PipeOfProcess pipe = make_pipe();
  auto out = co_await connect_read_pipe(make_protocol, std::move(pipe.out));
  auto in = co_await connect_write_pipe(make_protocol, std::move(pipe.in));
  while_open();
  tcp.first->close();
  unix_connection.first->close();
  datagrams.first->close();
  in.first->close();
  out.first->close();
}

// What `ls -l /proc/self/fd` prints if this process executes it now.
std::string listing_of_child() {
  PipeOfProcess answer = make_pipe();
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    ::dup2(answer.in.get(), STDOUT_FILENO);
    ::execl("/bin/ls", "ls", "-l", "/proc/self/fd", nullptr);
    ::_exit(127);
  }
  answer.in.close();
  std::string listing = read_all(answer.out.get());
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
  return listing;
}

// The three of every program and the listing's own folder. TSan opens pipes for itself when it
// likes.
bool is_expected(int fd, [[maybe_unused]] std::string_view name) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  if (name.starts_with("pipe:")) return true;
#endif
  return fd <= STDERR_FILENO || name.starts_with("/proc/");
}

// Descriptors that a program inherits if this process executes it now: "socket:[4711]".
std::vector<std::string> inherited_descriptors() {
  std::vector<std::string> inherited;
  const std::string listing = listing_of_child();
  for (const std::string_view line : absl::StrSplit(listing, '\n')) {
    const std::vector<std::string_view> words = absl::StrSplit(line, ' ');  // ... 3 -> socket:[1]
    int fd = 0;
    if (words.size() < 3 || !absl::SimpleAtoi(words[words.size() - 3], &fd)) continue;
    if (!is_expected(fd, words.back())) inherited.emplace_back(words.back());
  }
  return inherited;
}

TEST(InheritanceTest, WhatIsInheritedIsSeen) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  const std::vector<std::string> inherited = inherited_descriptors();
  EXPECT_THAT(inherited, ::testing::Contains(::testing::StartsWith("socket:[")));
}

TEST(InheritanceTest, AProgramThatIsExecutedInheritsNothing) {
  const TemporaryFolder folder;
  const std::vector<std::string> before = inherited_descriptors();
  WatchedLoop().run([&]() -> Coro<> {
    const auto look = [&] { EXPECT_EQ(inherited_descriptors(), before); };
    co_await with_everything_open(folder.path_of("socket"), look);
  });
}

// Whoever sets FD_CLOEXEC in a second step leaves a moment in between.
TEST(InheritanceTest, NotEvenWhileDescriptorsAreBeingOpened) {
  const TemporaryFolder folder;
  const std::vector<std::string> before = inherited_descriptors();
  std::atomic<bool> ended = false;
  std::thread executing([&] {
    while (!ended) EXPECT_EQ(inherited_descriptors(), before);
  });
  for (int i = 0; i < 30; ++i) {
    WatchedLoop().run(
        [&]() -> Coro<> { co_await with_everything_open(folder.path_of(absl::StrCat(i)), [] {}); });
  }
  ended = true;
  executing.join();
}

// From now on `number` ends the process.
void forbid_system_call(unsigned number) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {4, program};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "prctl");
}

TEST(SystemCallsTest, IoUringIsNeverAskedFor) {
  const TemporaryFolder folder;
  const int code = exit_code_of([&] {
    forbid_system_call(SYS_io_uring_setup);
    forbid_system_call(SYS_io_uring_enter);
    forbid_system_call(SYS_io_uring_register);
    run([&]() -> Coro<> { co_await with_everything_open(folder.path_of("socket"), [] {}); });
    return 7;
  });
  EXPECT_EQ(code, 7);
  const int forbidden = exit_code_of([] {
    forbid_system_call(SYS_io_uring_setup);
    return static_cast<int>(::syscall(SYS_io_uring_setup, 0, nullptr));
  });
  EXPECT_EQ(forbidden, 1000 + SIGSYS) << "the filter filters";
}

Coro<> receive_one(Socket* socket, std::string* received) {
  *received = co_await sock_recv(*socket, 100);
}

TEST(ForkTest, WhatWaitsInAChildsCopyOfALoopMayBeDestroyedThere) {
  const TemporaryFolder folder;
  const std::string path = folder.path_of("socket");
  WatchedLoop loop;
  Ends ends = connected_ends();
  std::string received;
  std::optional<Server> server;
  loop.run([&]() -> Coro<> {
    server = co_await create_unix_server(make_protocol, path);
    create_task(receive_one, &ends.ours, &received);
    co_await turns(2);
  });
  EXPECT_EQ(exit_code_of([&] {
              server.reset();
              loop.close();
              return 7;
            }),
            7);
  loop.run([&]() -> Coro<> {
    ends.peer.send("still here");
    co_await until([&] { return received == "still here"; });
    auto connection = co_await create_unix_connection(make_protocol, path);
    connection.first->close();
  });
}

TEST(ForkTest, AChildThatClosesItsParentsLoopSendsAndEndsNothing) {
  WatchedLoop loop;
  Ends ends = connected_ends({.send_buffer = 4096, .peer_receive_buffer = 4096});
  const std::string data = noise(1 << 20);
  auto protocol = std::make_shared<Recorder>();
  auto factory = [protocol] { return protocol; };
  loop.run([&]() -> Coro<> {
    auto connection = co_await create_connection(factory, std::move(ends.ours));
    connection.first->write(data);
  });
  ASSERT_GT(protocol->transport->get_write_buffer_size(), 0u);
  EXPECT_EQ(exit_code_of([&] {
              loop.close();
              return protocol->lost ? 7 : 8;
            }),
            7);
  EXPECT_FALSE(protocol->lost);
  protocol->transport->close();
  std::string received;
  loop.run([&]() -> Coro<> { received = co_await ends.peer.recv_all(); });
  EXPECT_EQ(received.size(), data.size());
  EXPECT_TRUE(received == data);
}

}  // namespace
}  // namespace asyncio
