// Stands in for NetBSD 9's <sys/event.h> on 64-bit machines: its types and numbers, no kernel.
// kqueue_layout_test.cc compares them with the recorded ones.

#ifndef ASYNCIO_SELECTORS_TEST_KQUEUE_SYSTEMS_SYS_EVENT_H_
#define ASYNCIO_SELECTORS_TEST_KQUEUE_SYSTEMS_SYS_EVENT_H_

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct kevent {
  uintptr_t ident;
  uint32_t filter;
  uint32_t flags;
  uint32_t fflags;
  int64_t data;
  intptr_t udata;
};

#define EVFILT_READ 0U
#define EVFILT_WRITE 1U

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
#define EV_SYSFLAGS 0xf000
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

extern "C" {

inline int kqueue(void) {
  errno = ENOSYS;
  return -1;
}

inline int kevent(int, const struct kevent*, size_t, struct kevent*, size_t,
                  const struct timespec*) {
  errno = ENOSYS;
  return -1;
}
}

#endif  // ASYNCIO_SELECTORS_TEST_KQUEUE_SYSTEMS_SYS_EVENT_H_
