// An echo server in a process of its own.
#ifndef ASYNCIO_BENCHMARKS_SERVER_PROCESS_H_
#define ASYNCIO_BENCHMARKS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"

namespace benchmarks {

// Lets this thread run on one core only, if there are at least two.
void pin_to_core(int core);

// What runs this same program as the echo server of that name, under the words of `wrap` if there
// are any.
std::vector<std::string> server_command(std::string_view name, std::string_view wrap);

// Runs `command`, which serves as EchoServer::serve says, until destroyed.
class ServerProcess {
 public:
  // Returns once the server listens. Throws OsError, and std::runtime_error if it ends before.
  explicit ServerProcess(const std::vector<std::string>& command);
  ~ServerProcess();

  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const noexcept { return port_; }

  // Processor time it has used so far, user and system.
  std::chrono::nanoseconds cpu_time() const;

  // Bytes of memory of its own that it occupies now: what is not a part of a file.
  std::int64_t memory() const;

 private:
  pid_t pid_ = 0;
  int port_ = 0;
  asyncio::FileDescriptor input_;  // the server runs until this closes
};

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_SERVER_PROCESS_H_
