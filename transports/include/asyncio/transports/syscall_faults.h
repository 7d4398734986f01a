// The system calls of one thread, counted, and one of them made to fail.
//
// A program that links this has its own socket(), recv(), epoll_ctl() and so on, which go straight
// to the kernel unless they are told to fail. Without glibc's, the sanitizers' versions of these
// functions are passed by as well.
#ifndef ASYNCIO_TRANSPORTS_SYSCALL_FAULTS_H_
#define ASYNCIO_TRANSPORTS_SYSCALL_FAULTS_H_

#include <optional>
#include <string>

namespace asyncio::testing::internal {

// One way in which a call fails.
struct SyscallFault {
  enum class Way : unsigned char {
    kRefused,   // it is not made, and fails with `error`
    kReported,  // it is made, and says `error` all the same
    kPart,      // it does one byte, or one message, of what it was asked for
  };

  Way way;
  int error;      // an errno value, or one of getaddrinfo()'s, which are negative
  bool harmless;  // happens to every program; nobody must notice
};

// "ENOMEM", "only a part".
std::string describe(const SyscallFault& fault);

struct InjectedFault {
  const char* call;  // "recv"
  SyscallFault fault;
};

// From construction to destruction the calls of this thread are counted, and those calls of the
// whole process that the library makes on threads of its own: getaddrinfo() and pread(). One at a
// time. Nothing here allocates or locks while calls are made, for a signal handler makes some too.
class SyscallFaults {
 public:
  // The `call`th call, from 1, fails in its `way`th way, from 0.
  SyscallFaults(int call, int way) noexcept;
  ~SyscallFaults();

  SyscallFaults(const SyscallFaults&) = delete;
  SyscallFaults& operator=(const SyscallFaults&) = delete;

  // Calls so far that can fail at all.
  int calls() const noexcept;

  // In how many ways that call can fail; 0 if it has not been made.
  int ways() const noexcept;

  // What has been done to it; nullopt if it was not made or has no such way.
  std::optional<InjectedFault> injected() const noexcept;

  // The first call on a descriptor that was not open, or null: somebody closes twice, or uses what
  // another might have by then.
  const char* stale_use() const noexcept;
};

// The calls that this thread makes meanwhile are neither counted nor made to fail.
class SparedSyscalls {
 public:
  SparedSyscalls() noexcept;
  ~SparedSyscalls();

  SparedSyscalls(const SparedSyscalls&) = delete;
  SparedSyscalls& operator=(const SparedSyscalls&) = delete;

 private:
  const bool counted_;
};

}  // namespace asyncio::testing::internal

#endif  // ASYNCIO_TRANSPORTS_SYSCALL_FAULTS_H_
