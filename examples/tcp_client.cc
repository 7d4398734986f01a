// Sends its arguments, a line each, to a server and prints what comes back until the server is
// done:
//
//   tcp_client --host=127.0.0.1 --port=8888 hello world

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "asyncio/asyncio.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "server's address or name");
ABSL_FLAG(std::uint16_t, port, 8888, "server's port");

using asyncio::Coro;

Coro<> talk(std::string host, std::uint16_t port, std::vector<std::string> lines) {
  auto [reader, writer] = co_await asyncio::open_connection(host, port);
  for (const std::string& line : lines) writer.write(line + "\n");
  writer.write_eof();
  const std::string answer = co_await reader.read();
  std::fputs(answer.c_str(), stdout);
  writer.close();
  co_await writer.wait_closed();
}

int main(int argc, char** argv) {
  std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  std::vector<std::string> lines(arguments.begin() + 1, arguments.end());
  try {
    asyncio::run(talk(absl::GetFlag(FLAGS_host), absl::GetFlag(FLAGS_port), std::move(lines)));
  } catch (const asyncio::KeyboardInterrupt&) {
    return 128 + SIGINT;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
