#include "benchmarks/echo_servers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "asyncio/asyncio.h"
#include "benchmarks/server_process.h"

namespace benchmarks {
namespace {

using asyncio::Coro;

constexpr char kHost[] = "127.0.0.1";
constexpr int kBacklog = 1024;
constexpr std::size_t kBlock = 64 * 1024;

// All clients of a benchmark come from the same address.
constexpr asyncio::ServerLimits kAnyNumber{.connections = 0, .connections_per_peer = 0};

Coro<> serve_until_input_ends(asyncio::Server server) {
  announce(server.sockets()[0].getsockname().port());
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  asyncio::Waiter input_ends;
  loop.add_reader(STDIN_FILENO, [&input_ends] { input_ends.wake(); });
  co_await input_ends;
  loop.remove_reader(STDIN_FILENO);
}

class EchoProtocol final : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  asyncio::Transport* transport_ = nullptr;
};

Coro<> serve_protocol_main() {
  const asyncio::ServerOptions options{.backlog = kBacklog, .limits = kAnyNumber};
  auto make_protocol = [] { return std::make_shared<EchoProtocol>(); };
  co_await serve_until_input_ends(
      co_await asyncio::create_server(make_protocol, kHost, 0, options));
}

Coro<> echo_strings(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (true) {
    const std::string data = co_await reader.read(kBlock);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
}

// A read may be under way on every connection, so each needs a buffer of its own.
Coro<> echo_into(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  auto buffer = std::make_unique_for_overwrite<char[]>(kBlock);
  while (true) {
    const std::size_t size = co_await reader.read_into({buffer.get(), kBlock});
    if (size == 0) break;
    writer.write({buffer.get(), size});
    co_await writer.drain();
  }
}

template <class Echo>
Coro<> serve_streams_main(Echo echo) {
  const asyncio::StreamServerOptions options{.backlog = kBacklog, .limits = kAnyNumber};
  co_await serve_until_input_ends(co_await asyncio::start_server(echo, kHost, 0, options));
}

void serve_protocol() { asyncio::run(serve_protocol_main()); }
void serve_streams() { asyncio::run(serve_streams_main(echo_strings)); }
void serve_read_into() { asyncio::run(serve_streams_main(echo_into)); }

constexpr std::array<EchoServer, 4> kServers = {{
    {"raw", serve_raw},
    {"protocol", serve_protocol},
    {"read_into", serve_read_into},
    {"streams", serve_streams},
}};

}  // namespace

std::span<const EchoServer> echo_servers() { return kServers; }

std::vector<EchoServer> chosen_servers(std::span<const std::string> names) {
  const bool all = names.size() == 1 && names[0] == "all";
  std::vector<EchoServer> chosen;
  for (const EchoServer& server : echo_servers()) {
    if (all || std::ranges::find(names, server.name) != names.end()) chosen.push_back(server);
  }
  if (chosen.empty()) throw std::invalid_argument("no such server");
  return chosen;
}

int serve_as(std::string_view name) {
  pin_to_core(0);
  for (const EchoServer& server : echo_servers()) {
    if (server.name != name) continue;
    server.serve();
    return EXIT_SUCCESS;
  }
  return EXIT_FAILURE;
}

void announce(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
}

}  // namespace benchmarks
