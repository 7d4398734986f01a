// Makes a system call fail in the calling process, as a sandbox or an older kernel does.

#ifndef ASYNCIO_SELECTORS_TEST_REFUSE_SYSTEM_CALL_H_
#define ASYNCIO_SELECTORS_TEST_REFUSE_SYSTEM_CALL_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

// From now on `number`, such as SYS_epoll_create1, fails with `error_number`. For a forked child:
// there is no way back.
inline void refuse_system_call(unsigned number, unsigned error_number) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {4, program};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "prctl");
}

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_TEST_REFUSE_SYSTEM_CALL_H_
