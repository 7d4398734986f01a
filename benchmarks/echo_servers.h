// The servers that the echo benchmark compares. All send back what they receive, on one thread.
#ifndef ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_
#define ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace benchmarks {

struct EchoServer {
  std::string_view name;
  // Prints the port it has bound on 127.0.0.1 and serves until standard input ends.
  void (*serve)();
};

// raw: level-triggered epoll, one recv and one send per event, one buffer for all connections,
//      EPOLLOUT only while the kernel does not take what is to be sent.
// protocol: our Protocol.
// read_into: our streams: co_await reader.read_into(buffer), write(), drain().
// streams: our streams: co_await reader.read(n), write(), drain().
std::span<const EchoServer> echo_servers();

// Those of these names, in the order above; "all" is all of them. Throws std::invalid_argument if
// there is none.
std::vector<EchoServer> chosen_servers(std::span<const std::string> names);

// main() of a server's process, on core 0: serves and returns the exit status.
int serve_as(std::string_view name);

// The fastest that can be written, in echo_raw.cc.
void serve_raw();

// Tells whoever has started this server where it listens.
void announce(int port);

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_
