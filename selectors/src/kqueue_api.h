// KqueueApi: the system calls that KqueueSelector makes, so that another kernel can stand in.
//
// Struct kevent and the constants are the platform's own, whatever their order and types: assign
// members by name, cast to their decltype. Where the platform has none, the same names stand here
// in namespace asyncio, with Darwin's layout and numbers, and the calls fail with ENOSYS.

#ifndef ASYNCIO_SELECTORS_KQUEUE_API_H_
#define ASYNCIO_SELECTORS_KQUEUE_API_H_

#include <time.h>

#if __has_include(<sys/event.h>)
#include <sys/types.h>
// After <sys/types.h>.
#include <sys/event.h>
#else
#include <cerrno>
#include <cstdint>
#endif

#include <span>

namespace asyncio {

#if __has_include(<sys/event.h>)

inline constexpr bool kOsHasKqueue = true;

#else

inline constexpr bool kOsHasKqueue = false;

struct kevent {
  std::uintptr_t ident;
  std::int16_t filter;
  std::uint16_t flags;
  std::uint32_t fflags;
  std::intptr_t data;
  void* udata;
};

inline constexpr std::int16_t EVFILT_READ = -1;
inline constexpr std::int16_t EVFILT_WRITE = -2;

inline constexpr std::uint16_t EV_ADD = 0x1;
inline constexpr std::uint16_t EV_DELETE = 0x2;
inline constexpr std::uint16_t EV_ENABLE = 0x4;
inline constexpr std::uint16_t EV_DISABLE = 0x8;
inline constexpr std::uint16_t EV_ONESHOT = 0x10;
inline constexpr std::uint16_t EV_CLEAR = 0x20;
inline constexpr std::uint16_t EV_RECEIPT = 0x40;
inline constexpr std::uint16_t EV_DISPATCH = 0x80;
inline constexpr std::uint16_t EV_SYSFLAGS = 0xf000;
inline constexpr std::uint16_t EV_ERROR = 0x4000;
inline constexpr std::uint16_t EV_EOF = 0x8000;

inline int kqueue() noexcept {
  errno = ENOSYS;
  return -1;
}

inline int kevent(int, const struct kevent*, int, struct kevent*, int, const timespec*) noexcept {
  errno = ENOSYS;
  return -1;
}

#endif

// Each function is the system call of its name: -1 and the thread's last error tell of a failure.
class KqueueApi {
 public:
  virtual ~KqueueApi() = default;

  virtual int kqueue() = 0;
  virtual int kevent(int kq, std::span<const struct kevent> changes,
                     std::span<struct kevent> events, const timespec* timeout) = 0;
  virtual int close(int kq) = 0;
};

// The kernel that runs this program.
KqueueApi& system_kqueue() noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_KQUEUE_API_H_
