// All of asyncio through its umbrella: a server and its client in one program.

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
