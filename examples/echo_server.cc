// Sends back whatever it receives, with streams.

#include <string>

#include "asyncio/asyncio.h"
#include "examples/serving.h"

using asyncio::Coro;

constexpr std::size_t kBlock = 64 * 1024;

Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    while (true) {
      const std::string data = co_await reader.read(kBlock);
      if (data.empty()) break;
      writer.write(data);
      co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
  } catch (const asyncio::ConnectionError&) {
    // The client is gone, and nobody is left to echo to.
  }
}

Coro<> serve(examples::ListenAddress address) {
  asyncio::Server server = co_await asyncio::start_server(echo, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
