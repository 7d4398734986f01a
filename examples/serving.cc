#include "examples/serving.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "address or name to listen on; empty: every interface");
ABSL_FLAG(std::uint16_t, port, 8888, "port to listen on; 0: any free port");

namespace examples {

ListenAddress parse_command_line(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return {absl::GetFlag(FLAGS_host), absl::GetFlag(FLAGS_port)};
}

asyncio::Coro<> announce_and_serve(asyncio::Server server) {
  std::printf("listening on %s\n", server.sockets()[0].getsockname().to_string().c_str());
  std::fflush(stdout);
  co_await server.serve_forever();
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
