// The load generator of the connection benchmark: clients that come, say one thing, and go.
#ifndef ASYNCIO_BENCHMARKS_CONNECTION_LOAD_H_
#define ASYNCIO_BENCHMARKS_CONNECTION_LOAD_H_

#include <netinet/in.h>
#include <sys/epoll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace benchmarks {

// Clients of one echo server. Each connects, sends a message, receives it, closes, and begins
// again. They come from many addresses in turn, for a port that was used stays taken for a minute.
// Throws OsError, and std::runtime_error if the server hangs up.
class ConnectionLoad {
 public:
  ConnectionLoad(int port, int clients, std::size_t message_size);
  ~ConnectionLoad();

  ConnectionLoad(const ConnectionLoad&) = delete;
  ConnectionLoad& operator=(const ConnectionLoad&) = delete;

  // Goes on for that long, or makes that many connections; returns how many were made. At the end
  // all are closed.
  std::int64_t run_for(std::chrono::nanoseconds time);
  std::int64_t run_connections(std::int64_t count);

 private:
  struct Client {
    int fd = -1;
    std::size_t unreceived = 0;
  };

  void connect(Client& client);
  sockaddr_in next_source();
  bool receive_some(Client& client);
  template <class Continue>
  std::int64_t run_while(Continue go_on);

  const int epoll_;
  const int port_;
  const std::string message_;
  std::string received_;
  std::vector<Client> clients_;
  std::vector<epoll_event> events_;
  std::uint32_t source_ = 0;
};

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_CONNECTION_LOAD_H_
