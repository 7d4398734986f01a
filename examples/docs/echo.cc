// The README's program: a whole server.

// [program]
#include "asyncio/asyncio.h"

using asyncio::Coro;

Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  while (std::optional<std::string> line = co_await reader.next()) {
    writer.write(*line);
    co_await writer.drain();
  }
}

Coro<> serve() {
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 8888);
  co_await server.serve_forever();
}

int main() {
  try {
    asyncio::run(serve());
  } catch (const asyncio::KeyboardInterrupt&) {
  }
}
// [program]
