#include "asyncio/selectors/file_descriptor.h"

#include <unistd.h>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

void FileDescriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd < 0 ? -1 : fd);
  if (old < 0) return;
  const LastErrorKeeper keeper;
  // Not again after EINTR: the number is free by then and may be another thread's already.
  ::close(old);
}

}  // namespace asyncio
