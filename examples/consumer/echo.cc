// All of asyncio through its umbrella: a server and its client in one program.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "asyncio/asyncio.h"

using asyncio::Coro;

Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (std::optional<std::string> line = co_await reader.next()) {
    writer.write(*line);
    co_await writer.drain();
  }
}

Coro<std::string> ask(std::uint16_t port) {
  auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
  writer.write("hello\n");
  writer.write_eof();
  std::string answer = co_await reader.read();
  writer.close();
  co_await writer.wait_closed();
  co_return answer;
}

Coro<std::string> serve_and_ask() {
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0);
  co_return co_await ask(server.sockets()[0].getsockname().port());
}

int main() {
  const std::string answer = asyncio::run(serve_and_ask());
  std::printf("the server answers %s", answer.c_str());
  return answer == "hello\n" ? 0 : 1;
}
