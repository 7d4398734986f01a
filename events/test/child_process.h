// Runs a part of a test in a forked child.

#ifndef ASYNCIO_EVENTS_TEST_CHILD_PROCESS_H_
#define ASYNCIO_EVENTS_TEST_CHILD_PROCESS_H_

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

// What `child` returns in a forked process; 1000 and the signal's number if that was killed.
inline int exit_code_of(auto&& child) {
  const pid_t pid = check(::fork(), "fork");
  if (pid == 0) {
    int code = 255;
    try {
      code = child();
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  check(::waitpid(pid, &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TEST_CHILD_PROCESS_H_
