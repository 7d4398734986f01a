#include "examples/serving.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "address or name to listen on; empty: every interface");
ABSL_FLAG(std::uint16_t, port, 8888, "port to listen on; 0: any free port");

namespace examples {
namespace {

// How long clients that do not read what they are sent can hold up the end.
constexpr auto kGrace = std::chrono::seconds(1);

}  // namespace

ListenAddress parse_command_line(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return {absl::GetFlag(FLAGS_host), absl::GetFlag(FLAGS_port)};
}

void announce(const asyncio::SocketAddress& address) {
  std::printf("listening on %s\n", address.to_string().c_str());
  std::fflush(stdout);
}

asyncio::Coro<> announce_and_serve(asyncio::Server server) {
  announce(server.sockets()[0].getsockname());
  co_await server.serve_forever(kGrace);
}

int until_interrupted(absl::FunctionRef<void()> run) {
  try {
    run();
  } catch (const asyncio::KeyboardInterrupt&) {
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace examples
