// What every example server has in common: --host, --port, its first line, and Ctrl-C.
#ifndef ASYNCIO_EXAMPLES_SERVING_H_
#define ASYNCIO_EXAMPLES_SERVING_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "asyncio/asyncio.h"

namespace examples {

// Where to listen: the flags --host and --port; port 0 is any free port.
struct ListenAddress {
  std::string host;
  std::uint16_t port;
};

// Reads the command line; ends the process if it is wrong.
ListenAddress parse_command_line(int argc, char** argv);

// Prints "listening on ADDRESS:PORT", or the path of a Unix socket.
void announce(const asyncio::SocketAddress& address);

// Announces the server and serves until Ctrl-C. Clients that do not read what they are sent are
// dropped after a second.
asyncio::Coro<> announce_and_serve(asyncio::Server server);

// Calls `run`, which runs a loop until the user presses Ctrl-C, and returns the exit status.
int until_interrupted(absl::FunctionRef<void()> run);

// Runs the coroutine function `main` with the address of the command line until Ctrl-C.
template <class Main>
int serve_until_interrupted(Main main, int argc, char** argv) {
  const ListenAddress address = parse_command_line(argc, argv);
  return until_interrupted([&] { asyncio::run(main, address); });
}

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_SERVING_H_
