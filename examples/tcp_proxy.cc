// Passes connections on to another server:
//
//   tcp_proxy --port=8080 --to_host=example.com --to_port=80
//
// In both directions who reads slowly is sent to slowly: a block and the buffers of two sockets are
// all that is ever held.

#include <cstdint>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "asyncio/asyncio.h"
#include "examples/serving.h"

ABSL_FLAG(std::string, to_host, "127.0.0.1", "where connections are passed on to");
ABSL_FLAG(std::uint16_t, to_port, 8889, "its port");

using asyncio::Coro;

constexpr std::size_t kBlock = 64 * 1024;

// One direction, to its end, which is passed on too: the other one may go on after it.
Coro<> pump(const asyncio::StreamReader* reader, const asyncio::StreamWriter* writer) {
  std::vector<char> block(kBlock);
  while (const std::size_t size = co_await reader->read_into(block)) {
    writer->write({block.data(), size});
    co_await writer->drain();
  }
  writer->write_eof();
}

// Both, until both have ended or one has failed.
Coro<> join(asyncio::StreamReader client_reader, asyncio::StreamWriter client_writer) {
  auto [reader, writer] =
      co_await asyncio::open_connection(absl::GetFlag(FLAGS_to_host), absl::GetFlag(FLAGS_to_port));
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) {
    group.create_task(pump(&client_reader, &writer));
    group.create_task(pump(&reader, &client_writer));
  });
}

Coro<> pass_on(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    co_await join(std::move(reader), std::move(writer));
  } catch (const asyncio::ExceptionGroup&) {
    // One of the two has broken off, and now both are closed.
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
}

Coro<> serve(examples::ListenAddress address) {
  asyncio::Server server = co_await asyncio::start_server(pass_on, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
