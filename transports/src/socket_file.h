// The file of a Unix socket. bind() makes it, and nobody removes it when the socket closes.
//
// Others may replace a file between a look at it and its removal. So a file is moved aside first
// and looked at again there, where nobody else finds it; one that is not the right one is put back.
#ifndef ASYNCIO_TRANSPORTS_SOCKET_FILE_H_
#define ASYNCIO_TRANSPORTS_SOCKET_FILE_H_

#include <sys/stat.h>

#include <string>

#include "absl/functional/function_ref.h"
#include "asyncio/selectors/process_stamp.h"

namespace asyncio::internal {

// Removes the file at `path` if `wanted` says so, which is asked twice and does not see through
// symbolic links. False if it stays, or there is none.
bool remove_file_if(const std::string& path, absl::FunctionRef<bool(const struct stat&)> wanted);

// Removes the socket at `path`. False if there is none, only something else, or it stays.
bool remove_socket_file(const std::string& path);

// Removes a socket's own file when destroyed, unless somebody has replaced it: another server may
// have taken the path over. Only in the process that made it, not in one that was forked off.
class SocketFile {
 public:
  // The file that is at `path` now, if any. REQUIRES: its socket stays open until this has gone, or
  // another file might get its number.
  explicit SocketFile(const std::string& path);
  ~SocketFile();

  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

 private:
  void remove() const;

  std::string path_;  // absolute: the process may go elsewhere; empty: there was none
  dev_t device_ = 0;
  ino_t number_ = 0;
  const ProcessStamp maker_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_TRANSPORTS_SOCKET_FILE_H_
