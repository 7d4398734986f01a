// DevpollApi: the system calls that DevpollSelector makes, so that another kernel can stand in.
//
// The numbers are those of Solaris and stand here, as other systems give the same names to other
// numbers (POLLREMOVE is 0x1000 on Linux); where the system has <sys/devpoll.h>, they are compared.
// Elsewhere opening fails, as there is no such device.

#ifndef ASYNCIO_SELECTORS_DEVPOLL_API_H_
#define ASYNCIO_SELECTORS_DEVPOLL_API_H_

#include <poll.h>
#include <sys/types.h>

#if __has_include(<sys/devpoll.h>)
#include <sys/devpoll.h>
#endif

#include <span>

namespace asyncio {

inline constexpr char kDevpollPath[] = "/dev/poll";

// As the whole of pollfd::events: take the descriptor out of the set.
inline constexpr short kDevpollRemove = 0x0800;

// Waits; the argument is a DevpollWait.
inline constexpr int kDevpollWait = 0xD001;
// Looks one descriptor up; the argument is a pollfd.
inline constexpr int kDevpollIsPolled = 0xD002;

#if __has_include(<sys/devpoll.h>)

inline constexpr bool kOsHasDevpoll = true;

using DevpollWait = struct ::dvpoll;

static_assert(kDevpollRemove == POLLREMOVE);
static_assert(kDevpollWait == DP_POLL);
static_assert(kDevpollIsPolled == DP_ISPOLLED);

#else

inline constexpr bool kOsHasDevpoll = false;

struct DevpollWait {
  pollfd* dp_fds;
  nfds_t dp_nfds;
  // In milliseconds.
  int dp_timeout;
};

#endif

// Each function is the system call of its name: -1 and the thread's last error tell of a failure.
class DevpollApi {
 public:
  virtual ~DevpollApi() = default;

  virtual int open(const char* path, int flags) = 0;
  virtual ssize_t write(int devpoll, std::span<const pollfd> changes) = 0;
  virtual int ioctl(int devpoll, int request, void* argument) = 0;
  virtual int close(int devpoll) = 0;
};

// The kernel that runs this program.
DevpollApi& system_devpoll() noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_DEVPOLL_API_H_
