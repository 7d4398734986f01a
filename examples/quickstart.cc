// A server, a crowd of clients and a timeout, in one process.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "asyncio/asyncio.h"

using asyncio::Coro;
using namespace std::chrono_literals;

// Answers each line with the same line.
Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (std::optional<std::string> line = co_await reader.next()) {
    writer.write(*line);
    co_await writer.drain();
  }
  writer.close();
  co_await writer.wait_closed();
}

// Sends `count` lines and counts those that come back unchanged.
Coro<int> talk(std::uint16_t port, int client, int count) {
  auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  int echoed = 0;
  for (int i = 0; i < count; ++i) {
    const std::string line =
        "client " + std::to_string(client) + " line " + std::to_string(i) + "\n";
    writer.write(line);
    if (co_await reader.readline() == line) ++echoed;
  }
  co_return echoed;
}

// Waits for an answer that never comes.
Coro<> wait_in_vain(std::uint16_t port) {
  auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  co_await reader.readline();
}

Coro<> quickstart() {
  constexpr int kClients = 100;
  constexpr int kLines = 50;
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0);
  const std::uint16_t port = server.sockets()[0].getsockname().port();
  std::printf("echo server on port %d\n", port);

  std::vector<asyncio::Task<int>> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(asyncio::create_task(talk(port, i, kLines)));
  int echoed = 0;
  for (const auto& client : clients) echoed += co_await client;
  std::printf("%d clients sent %d lines, %d came back\n", kClients, kClients * kLines, echoed);

  try {
    co_await asyncio::with(asyncio::timeout(100ms),
                           [port](asyncio::Timeout&) -> Coro<> { co_await wait_in_vain(port); });
  } catch (const asyncio::TimeoutError&) {
    std::printf("a client that waited in vain was cancelled after 100 ms\n");
  }

  server.close();
  co_await server.wait_closed();
  std::printf("server closed\n");
}

int main() { asyncio::run(quickstart()); }
