// The load generator of the echo benchmark: many connections, each with one message under way.
#ifndef ASYNCIO_BENCHMARKS_ECHO_LOAD_H_
#define ASYNCIO_BENCHMARKS_ECHO_LOAD_H_

#include <sys/epoll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace benchmarks {

// Connections to one echo server. On each a message goes out, comes back complete, goes out again.
// Throws OsError, and std::runtime_error if the server hangs up.
class EchoLoad {
 public:
  EchoLoad(int port, int connections, std::size_t message_size);
  ~EchoLoad();

  EchoLoad(const EchoLoad&) = delete;
  EchoLoad& operator=(const EchoLoad&) = delete;

  // Exchanges messages for that long, or that many of them; returns how many came back. At the end
  // none is under way.
  std::int64_t run_for(std::chrono::nanoseconds time);
  std::int64_t run_messages(std::int64_t count);

 private:
  struct Connection {
    int fd;
    std::size_t unsent = 0;
    std::size_t unreceived = 0;
  };

  void connect(int port);
  void watch(int operation, Connection& connection) const;
  void start(Connection& connection);
  void send_some(Connection& connection);
  bool receive_some(Connection& connection);
  template <class Continue>
  std::int64_t run_while(Continue go_on);

  const int epoll_;
  std::vector<char> message_;
  std::vector<char> received_;
  std::vector<Connection> connections_;
  std::vector<epoll_event> events_;
};

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_ECHO_LOAD_H_
