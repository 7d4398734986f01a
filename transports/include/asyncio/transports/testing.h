// For your tests: fail_every_syscall() proves what a system call that fails leaves behind.
//
//   testing::fail_every_syscall([]() -> Coro<> {
//     auto server = co_await create_server([] { return std::make_unique<Echo>(); }, "127.0.0.1",
//     0); auto [transport, client] = co_await create_connection(..., server.sockets()[0]...); …
//   });
//
// The scenario is run again and again, each time on a new loop with real sockets. In every run one
// system call fails: the first, the second, the third, to the last, and each of them in every way
// in which it may. These ways are of two kinds:
//
//   harmless   EINTR, EAGAIN though there is something, a read or write of one byte only, an error
//              of close(). They happen to every program, and nobody must notice: the scenario
//              completes, and nothing is reported.
//   real       EMFILE, ENOMEM, ENOBUFS, ECONNRESET, EPIPE, EAI_AGAIN and so on. The scenario
//              completes or throws; reports to the loop's exception handler are in order.
//
// Either way no descriptor stays open, none is used or closed that was closed already, nothing
// hangs, and the loop works afterwards: it takes turns, its timers fire, other threads can wake it.
//
// Link //transports:testing to tests only: it replaces the C library's system calls in the whole
// program, which forward to the kernel outside of this function. Its own and the sanitizers'
// wrappers around them are then passed by. The calls that count are those made on this thread, by
// whomever, and getaddrinfo() and pread() on any; see without_faults().
//
// Python counterpart: none in asyncio.
#ifndef ASYNCIO_TRANSPORTS_TESTING_H_
#define ASYNCIO_TRANSPORTS_TESTING_H_

#include <chrono>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/syscall_faults.h"

namespace asyncio::testing {

struct SyscallOptions {
  // In real time: what lasts longer hangs. A server that is out of descriptors pauses for a second.
  Duration limit = std::chrono::seconds(10);
};
static_assert(std::is_trivially_copyable_v<SyscallOptions>);

// A scenario did not take a failing system call well. what() names the call, its number, how it
// failed, and everything that was wrong in that run.
class SyscallBug : public std::runtime_error {
 public:
  SyscallBug(const std::string& what, int number, std::string call, std::string fault)
      : std::runtime_error(what),
        number_(number),
        call_(std::move(call)),
        fault_(std::move(fault)) {}

  // Which call of the scenario it was, from 1; 0: none was made to fail.
  int number() const noexcept { return number_; }

  // "epoll_ctl", and "ENOMEM" or "only a part"; empty for 0.
  const std::string& call() const noexcept { return call_; }
  const std::string& fault() const noexcept { return fault_; }

 private:
  int number_;
  std::string call_;
  std::string fault_;
};

// Runs scenario(), which returns a Coro, once without a fault and then once for every way in which
// one of its system calls may fail, from the making of its loop to its closing, and returns the
// number of calls. The scenario makes anew whatever it uses, ends what it began, and checks that
// all of its bytes have arrived. It may capture by reference.
//
// `invariant()` is asked after each run, before the loop is closed: whether nothing arrived that
// was not sent, for example.
//
// Throws SyscallBug for the first run that does not do what is said above or breaks the invariant,
// or has it throw. Throws std::runtime_error inside a running loop, and if the C library's calls
// have not been replaced.
template <CoroutineFunction F>
int fail_every_syscall(F scenario, absl::FunctionRef<bool()> invariant, SyscallOptions options,
                       std::source_location where = std::source_location::current());
template <CoroutineFunction F>
int fail_every_syscall(F scenario, absl::FunctionRef<bool()> invariant,
                       std::source_location where = std::source_location::current()) {
  return fail_every_syscall(std::move(scenario), invariant, SyscallOptions(), where);
}
template <CoroutineFunction F>
int fail_every_syscall(F scenario, std::source_location where = std::source_location::current()) {
  return fail_every_syscall(std::move(scenario), [] { return true; }, SyscallOptions(), where);
}

// What `function()` returns. The system calls it makes are the test's own: they are not counted,
// and do not fail.
template <class F>
auto without_faults(F function) {
  const internal::SparedSyscalls spared;
  return function();
}

// Implementation.

namespace internal {

// Makes the scenario's task, not yet run, on `loop`.
using StartScenario = absl::FunctionRef<AnyTask(EventLoop& loop)>;

int fail_every_syscall(StartScenario start, absl::FunctionRef<bool()> invariant,
                       SyscallOptions options);

}  // namespace internal

template <CoroutineFunction F>
int fail_every_syscall(F scenario, absl::FunctionRef<bool()> invariant, SyscallOptions options,
                       std::source_location where) {
  auto begin = [&scenario]() ASYNCIO_INTERNAL_CORO_WRAPPER { return scenario(); };
  return internal::fail_every_syscall(
      [&](EventLoop& loop) -> AnyTask { return create_task(loop, begin, where); }, invariant,
      options);
}

}  // namespace asyncio::testing

#endif  // ASYNCIO_TRANSPORTS_TESTING_H_
