#include "asyncio/events/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

Waker::Waker() : fd_(check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

// A full counter (EAGAIN) is a wake-up that has not been seen yet: nothing is lost.
void Waker::wake(int fd) noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
  errno = saved;
}

void Waker::acknowledge() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace asyncio
