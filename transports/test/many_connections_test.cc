// Ten thousand connections at the same time, between two processes.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/sync/event.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/with.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/transport.h"
#include "asyncio/utils/task_group.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"

namespace asyncio {
namespace {

constexpr int kConnections = 10'000;
constexpr int kTasks = 50;  // each makes its part of them, one after the other

// As many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  ASSERT_GT(limit.rlim_max, rlim_t{kConnections + 100}) << "this needs a higher `ulimit -Hn`";
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

class Echo final : public Protocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }

 private:
  Transport* transport_ = nullptr;
};

std::unique_ptr<BufferedProtocol> make_echo() { return std::make_unique<Echo>(); }

Coro<> serve(int port_pipe, int end_pipe) {
  constexpr int kBacklog = 1024;
  constexpr ServerLimits kNone{.connections = 0, .connections_per_peer = 0};
  const ServerOptions options{.backlog = kBacklog, .limits = kNone};
  const Server server = co_await create_server(make_echo, "127.0.0.1", 0, options);
  const std::uint16_t port = server.sockets()[0].getsockname().port();
  check(::write(port_pipe, &port, sizeof port), "write");
  co_await readable(end_pipe);
}

// Another process, which serves until this goes.
class ServerProcess {
 public:
  ServerProcess() {
    const Pipe port = make_pipe();
    Pipe end = make_pipe();
    child_ = check(::fork(), "fork");
    if (child_ == 0) {
      end.in.close();
      run_server(port.in.get(), end.out.get());
    }
    end_ = std::move(end.in);
    check(::read(port.out.get(), &port_, sizeof port_), "read");
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    end_.close();
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    EXPECT_EQ(status, 0);
  }

  std::uint16_t port() const { return port_; }

 private:
  struct Pipe {
    FileDescriptor out;
    FileDescriptor in;
  };

  static Pipe make_pipe() {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  }

  [[noreturn]] static void run_server(int port_pipe, int end_pipe) {
    try {
      run(serve(port_pipe, end_pipe));
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }

  pid_t child_ = 0;
  std::uint16_t port_ = 0;
  FileDescriptor end_;
};

// Says something and waits for the echo.
class Client final : public Protocol {
 public:
  void connection_made(Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override {
    received_ += data;
    if (received_.size() >= wanted_.size()) answered_.set();
  }
  void connection_lost(std::exception_ptr) override {
    transport_ = nullptr;
    answered_.set();
  }

  void say(std::string text) {
    wanted_ = std::move(text);
    received_.clear();
    answered_.clear();
    transport_->write(wanted_);
  }

  Coro<> hear() {
    co_await answered_.wait();
    if (received_ != wanted_) throw std::runtime_error("heard " + received_ + ", not " + wanted_);
  }

 private:
  Transport* transport_ = nullptr;
  std::string wanted_;
  std::string received_;
  Event answered_;
};

std::unique_ptr<Client> make_client() { return std::make_unique<Client>(); }

using Clients = std::vector<Connection<Client>>;

Coro<> connect_some(std::uint16_t port, int count, Clients* clients) {
  for (int i = 0; i < count; ++i) {
    auto connection = co_await create_connection(make_client, "127.0.0.1", port);
    clients->push_back(connection);
    connection.second->say(absl::StrCat("hello ", clients->size()));
    co_await connection.second->hear();
  }
}

TEST(ManyConnectionsTest, TenThousandAreServedAtTheSameTime) {
  raise_descriptor_limit();
  const ServerProcess server;
  run([&]() -> Coro<> {
    Clients clients;
    co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < kTasks; ++i) {
        group.create_task(connect_some, server.port(), kConnections / kTasks, &clients);
      }
      co_return;
    });
    EXPECT_EQ(clients.size(), std::size_t{kConnections});
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].second->say(absl::StrCat("still there, ", i));
    }
    for (const auto& [transport, client] : clients) co_await client->hear();
    for (const auto& [transport, client] : clients) transport->close();
  });
}

}  // namespace
}  // namespace asyncio
