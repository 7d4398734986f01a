// Every system call of the transports, made to fail in every way.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/with.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/datagram_endpoint.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/pipe_transport.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/sendfile.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/sock_operations.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/testing.h"
#include "asyncio/transports/transport.h"
#include "asyncio/transports/unix_connection.h"
#include "asyncio/transports/unix_server.h"
#include "asyncio/utils/task_group.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/temporary_folder.h"

namespace asyncio {
namespace {

using testing::fail_every_syscall;
using testing::without_faults;
using namespace std::chrono_literals;

// More than one pass through every buffer of a small socket.
constexpr std::size_t kSize = 20'000;

// Sends back what it receives, and the end of the stream.
class Echo final : public Protocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }

 private:
  Transport* transport_ = nullptr;
};

// Collects up to the end of the stream.
class Collector final : public Protocol {
 public:
  void data_received(std::string_view data) override { received += data; }
  void connection_lost(std::exception_ptr why) override {
    error = std::move(why);
    lost = true;
    if (waiting != nullptr) std::exchange(waiting, nullptr)->wake();
  }

  // Throws why the connection was lost.
  Coro<> wait_lost() {
    Waiter waiter;
    waiting = &waiter;
    absl::Cleanup withdraw = [this] { waiting = nullptr; };
    if (!lost) co_await waiter;
    if (error != nullptr) std::rethrow_exception(error);
  }

  std::string received;
  std::exception_ptr error;
  bool lost = false;
  Waiter* waiting = nullptr;
};

// What a scenario has received is compared with what it has sent, however it ends.
class Bytes {
 public:
  explicit Bytes(std::size_t size = kSize) : sent_(noise(size)) {}

  const std::string& sent() const { return sent_; }

  // Throws if any is missing.
  void receive(std::string received) {
    received_ = std::move(received);
    if (received_.size() < sent_.size()) throw std::runtime_error("the end came too soon");
  }

  // No byte that arrived was another than the one sent.
  bool intact() const { return sent_.starts_with(received_); }

 private:
  const std::string sent_;
  std::string received_;
};

std::unique_ptr<BufferedProtocol> make_echo() { return std::make_unique<Echo>(); }
std::unique_ptr<Collector> make_collector() { return std::make_unique<Collector>(); }
std::unique_ptr<BufferedProtocol> make_idler() { return std::make_unique<Protocol>(); }

// Every fault of a scenario that works on `bytes`, new ones in each run. Returns how many calls
// there were.
template <class F>
int fail_every_syscall_of(F scenario) {
  std::optional<Bytes> bytes;
  const auto with_new_bytes = [&] {
    bytes.emplace();
    return scenario(&*bytes);
  };
  return fail_every_syscall(with_new_bytes, [&] { return !bytes.has_value() || bytes->intact(); });
}

// Sends all, then the end of the stream, and collects what comes back.
Coro<> exchange_bytes(Connection<Collector> connection, Bytes* bytes) {
  const auto [transport, collector] = connection;
  const absl::Cleanup abort = [&] { connection.first->abort(); };
  transport->write(bytes->sent());
  transport->write_eof();
  co_await collector->wait_lost();
  bytes->receive(collector->received);
}

// Up to the end of the stream, or to `size` bytes.
Coro<std::string> receive_all(Socket* socket, std::size_t size) {
  std::string all;
  std::array<char, 4096> buffer;
  while (all.size() < size) {
    const std::size_t some = co_await sock_recv_into(*socket, buffer);
    if (some == 0) break;
    all.append(buffer.data(), some);
  }
  co_return all;
}

Coro<> end(Server* server) {
  server->close();
  co_await server->wait_closed();
}

std::uint16_t port_of(const Server& server) {
  return without_faults([&] { return server.sockets()[0].getsockname().port(); });
}

FileDescriptor file_of(std::string_view text) {
  return without_faults([text] {
    FileDescriptor file(check(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "open"));
    check(::write(file.get(), text.data(), text.size()), "write");
    check(::lseek(file.get(), 0, SEEK_SET), "lseek");
    return file;
  });
}

struct PipeEnds {
  FileDescriptor out;
  FileDescriptor in;
};

PipeEnds make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// TCP.

TEST(SyscallFaultsTest, AConnectionAndItsServer) {
  const int calls = fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    Server server = co_await create_server(make_echo, "127.0.0.1", 0);
    auto connection = co_await create_connection(make_collector, "127.0.0.1", port_of(server));
    co_await exchange_bytes(connection, bytes);
    co_await end(&server);
  });
  EXPECT_GT(calls, 20);
}

TEST(SyscallFaultsTest, AConnectionByName) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    Server server = co_await create_server(make_echo, "127.0.0.1", 0);
    const ConnectionOptions options{.family = AF_INET};
    auto connection =
        co_await create_connection(make_collector, "localhost", port_of(server), options);
    co_await exchange_bytes(connection, bytes);
    co_await end(&server);
  });
}

TEST(SyscallFaultsTest, AConnectionThatIsRaced) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    Server server = co_await create_server(make_echo, "127.0.0.1", 0);
    const ConnectionOptions options{.local_addr = LocalAddress{"127.0.0.1"},
                                    .happy_eyeballs_delay = 250ms};
    auto connection =
        co_await create_connection(make_collector, "127.0.0.1", port_of(server), options);
    co_await exchange_bytes(connection, bytes);
    co_await end(&server);
  });
}

// Nothing is registered for this socket when it begins to wait for room.
TEST(SyscallFaultsTest, AConnectionThatOnlyWrites) {
  constexpr int kSmall = 4096;
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    Ends ends = without_faults(
        [] { return connected_ends({.send_buffer = kSmall, .peer_receive_buffer = kSmall}); });
    auto [transport, collector] = co_await create_connection(make_collector, std::move(ends.ours));
    const absl::Cleanup abort = [transport = transport.get()] { transport->abort(); };
    transport->pause_reading();
    transport->write(bytes->sent());
    transport->write_eof();
    transport->resume_reading();
    Socket peer = without_faults([&] { return Socket(ends.peer.release()); });
    bytes->receive(co_await receive_all(&peer, kSize));
    peer.close();
    co_await collector->wait_lost();
  });
}

TEST(SyscallFaultsTest, AServerOfTwoFamilies) {
  fail_every_syscall([]() -> Coro<> {
    Server server = co_await create_server(make_idler, "", 0);
    co_await end(&server);
  });
}

// Unix sockets.

TEST(SyscallFaultsTest, AConnectionToAPath) {
  const TemporaryFolder folder;
  int run = 0;
  fail_every_syscall_of([&](Bytes* bytes) -> Coro<> {
    const std::string path = folder.path_of(std::to_string(++run));
    Server server = co_await create_unix_server(make_echo, path, {.mode = 0600});
    auto connection = co_await create_unix_connection(make_collector, path);
    co_await exchange_bytes(connection, bytes);
    co_await end(&server);
  });
}

// Pipes.

TEST(SyscallFaultsTest, APipe) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    PipeEnds pipe = without_faults(make_pipe);
    auto [in, ignored] = co_await connect_write_pipe(make_idler, std::move(pipe.in));
    const absl::Cleanup abort_in = [in = in.get()] { in->abort(); };
    auto [out, collector] = co_await connect_read_pipe(make_collector, std::move(pipe.out));
    const absl::Cleanup abort_out = [out = out.get()] { out->abort(); };
    in->write(bytes->sent());
    const std::array<std::string_view, 2> pieces{"", ""};
    in->writelines(pieces);
    in->close();
    co_await collector->wait_lost();
    bytes->receive(collector->received);
  });
}

// Datagrams.

// Waits for so many datagrams, or for the first failure of either side.
class DatagramCounter final : public DatagramProtocol {
 public:
  void datagram_received(std::string_view data, const SocketAddress&) override {
    received_ += data;
    if (--wanted_ == 0) done_.wake();
  }
  void error_received(std::exception_ptr why) override {
    error_ = std::move(why);
    done_.wake();
  }
  void connection_lost(std::exception_ptr why) override {
    if (why != nullptr) error_received(std::move(why));
  }

  Coro<std::string> wait() {
    if (wanted_ > 0 && error_ == nullptr) co_await done_;
    if (error_ != nullptr) std::rethrow_exception(error_);
    co_return received_;
  }

 private:
  int wanted_ = 4;
  std::string received_;
  std::exception_ptr error_;
  Waiter done_;
};

class DatagramEcho final : public DatagramProtocol {
 public:
  void connection_made(DatagramTransport& transport) override { transport_ = &transport; }
  void datagram_received(std::string_view data, const SocketAddress& sender) override {
    transport_->sendto(data, sender);
  }
  void error_received(std::exception_ptr why) override { asker->error_received(std::move(why)); }

  std::shared_ptr<DatagramCounter> asker;

 private:
  DatagramTransport* transport_ = nullptr;
};

std::unique_ptr<DatagramEcho> make_datagram_echo() { return std::make_unique<DatagramEcho>(); }
std::unique_ptr<DatagramCounter> make_datagram_counter() {
  return std::make_unique<DatagramCounter>();
}

TEST(SyscallFaultsTest, DatagramsArriveWhole) {
  fail_every_syscall([]() -> Coro<> {
    DatagramOptions local;
    local.local_addr = HostPort{"127.0.0.1"};
    auto [echo, echoing] = co_await create_datagram_endpoint(make_datagram_echo, local);
    const absl::Cleanup abort_echo = [echo = echo.get()] { echo->abort(); };
    const std::uint16_t port = without_faults([&] { return echo->sockname().port(); });
    DatagramOptions remote;
    remote.remote_addr = HostPort{"127.0.0.1", port};
    auto [transport, counter] = co_await create_datagram_endpoint(make_datagram_counter, remote);
    const absl::Cleanup abort = [transport = transport.get()] { transport->abort(); };
    echoing->asker = counter;
    transport->sendto("one ");
    const std::array<std::string_view, 3> more{"two ", "three ", "four"};
    transport->send_batch(more);
    const std::string received = co_await counter->wait();
    if (received != "one two three four") throw std::runtime_error(received);
  });
}

// sock_recv() and its kin.

Coro<> serve_one(Socket* listener) {
  ConnectedSocket client = co_await sock_accept(*listener);
  while (true) {
    const std::string data = co_await sock_recv(client.socket, kSize);
    if (data.empty()) break;
    co_await sock_sendall(client.socket, data);
  }
}

Coro<> ask(SocketAddress address, Bytes* bytes) {
  Socket client = Socket::open(AF_INET, SOCK_STREAM);
  co_await sock_connect(client, address);
  co_await sock_sendall(client, bytes->sent());
  client.shutdown_write();
  bytes->receive(co_await receive_all(&client, kSize));
}

TEST(SyscallFaultsTest, SocketsWithoutATransport) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    Socket listener = Socket::open(AF_INET, SOCK_STREAM);
    listener.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    listener.listen(1);
    const SocketAddress address = without_faults([&] { return listener.getsockname(); });
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      group.create_task(serve_one, &listener);
      co_await ask(address, bytes);
    });
  });
}

TEST(SyscallFaultsTest, DatagramSocketsWithoutATransport) {
  fail_every_syscall([]() -> Coro<> {
    Socket here = Socket::open(AF_INET, SOCK_DGRAM);
    here.bind(SocketAddress::from_numeric("127.0.0.1", 0));
    const SocketAddress address = without_faults([&] { return here.getsockname(); });
    Socket there = Socket::open(AF_INET, SOCK_DGRAM);
    co_await sock_sendto(there, "question", address);
    auto [question, asker] = co_await sock_recvfrom(here, 100);
    co_await sock_sendto(here, "answer", asker);
    std::array<char, 100> buffer;
    auto [size, answerer] = co_await sock_recvfrom_into(there, buffer);
    const std::string answer(buffer.data(), size);
    if (question != "question" || answer != "answer" || !(answerer == address)) {
      throw std::runtime_error(question + answer);
    }
  });
}

// Files.

TEST(SyscallFaultsTest, AFileThroughATransport) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    const FileDescriptor file = file_of(bytes->sent());
    Server server = co_await create_server(make_echo, "127.0.0.1", 0);
    auto [transport, collector] =
        co_await create_connection(make_collector, "127.0.0.1", port_of(server));
    const absl::Cleanup abort = [transport = transport.get()] { transport->abort(); };
    co_await sendfile(*transport, file.get());
    transport->write_eof();
    co_await collector->wait_lost();
    bytes->receive(collector->received);
    co_await end(&server);
  });
}

Coro<> send_file(Socket* socket, int file) { co_await sock_sendfile(*socket, file); }

Coro<> send_file_to_peer(int file, Bytes* bytes) {
  Ends ends = without_faults([] { return connected_ends(); });
  Socket peer = without_faults([&] { return Socket(ends.peer.release()); });
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    group.create_task(send_file, &ends.ours, file);
    bytes->receive(co_await receive_all(&peer, kSize));
  });
}

TEST(SyscallFaultsTest, AFileThroughASocket) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    const FileDescriptor file = file_of(bytes->sent());
    co_await send_file_to_peer(file.get(), bytes);
  });
}

// By blocks that a thread reads.
TEST(SyscallFaultsTest, AFileThatTheSystemCannotSend) {
  fail_every_syscall_of([](Bytes* bytes) -> Coro<> {
    PipeEnds pipe = without_faults(make_pipe);
    without_faults([&] {
      check(::write(pipe.in.get(), bytes->sent().data(), kSize), "write");
      pipe.in.close();
    });
    co_await send_file_to_peer(pipe.out.get(), bytes);
  });
}

}  // namespace
}  // namespace asyncio
