// The servers that the echo benchmark compares. All send back what they receive, on one thread.
#ifndef ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_
#define ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_

#include <span>
#include <string_view>

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

// The fastest that can be written, in echo_raw.cc.
void serve_raw();

// Tells whoever has started this server where it listens.
void announce(int port);

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_ECHO_SERVERS_H_
