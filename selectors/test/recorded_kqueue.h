// What generators read from the real <sys/event.h> of 64-bit systems.
//
// Copied from Debian 12's golang-1.19-src (1.19.8-2), zerrors_<system>_amd64.go and
// ztypes_<system>_amd64.go in /usr/share/go-1.19/src/cmd/vendor/golang.org/x/sys/unix, with three
// additions from librust-libc-dev (0.2.139-1), src/unix/bsd: the ext[4] of FreeBSD 12 and later,
// EV_RECEIPT and EV_DISPATCH of NetBSD.

#ifndef ASYNCIO_SELECTORS_TEST_RECORDED_KQUEUE_H_
#define ASYNCIO_SELECTORS_TEST_RECORDED_KQUEUE_H_

#include <cstddef>
#include <string_view>

namespace asyncio {

struct RecordedMember {
  std::size_t offset;
  std::size_t size;

  friend bool operator==(const RecordedMember&, const RecordedMember&) = default;
};

struct RecordedKqueue {
  std::string_view system;

  std::size_t kevent_size;
  RecordedMember ident;
  RecordedMember filter;
  RecordedMember flags;
  RecordedMember fflags;
  RecordedMember data;
  RecordedMember udata;

  long evfilt_read;
  long evfilt_write;
  unsigned ev_add;
  unsigned ev_delete;
  unsigned ev_enable;
  unsigned ev_disable;
  unsigned ev_oneshot;
  unsigned ev_clear;
  unsigned ev_receipt;
  unsigned ev_dispatch;
  unsigned ev_sysflags;
  unsigned ev_error;
  unsigned ev_eof;
};

inline constexpr RecordedKqueue kRecordedKqueues[] = {
    {"darwin", 32,   {0, 8}, {8, 2}, {10, 2}, {12, 4}, {16, 8}, {24, 8},  //
     -1,       -2,   0x1,    0x2,    0x4,     0x8,     0x10,    0x20,
     0x40,     0x80, 0xf000, 0x4000, 0x8000},
    {"freebsd", 64,   {0, 8}, {8, 2}, {10, 2}, {12, 4}, {16, 8}, {24, 8},  //
     -1,        -2,   0x1,    0x2,    0x4,     0x8,     0x10,    0x20,
     0x40,      0x80, 0xf000, 0x4000, 0x8000},
    {"netbsd", 40,   {0, 8}, {8, 4}, {12, 4}, {16, 4}, {24, 8}, {32, 8},  //
     0,        1,    0x1,    0x2,    0x4,     0x8,     0x10,    0x20,
     0x40,     0x80, 0xf000, 0x4000, 0x8000},
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_TEST_RECORDED_KQUEUE_H_
