#include "asyncio/transports/syscall_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

namespace asyncio::testing::internal {
namespace {

using Ways = std::span<const SyscallFault>;
using Way = SyscallFault::Way;

// What may go wrong.

constexpr SyscallFault refused(int error) { return {Way::kRefused, error, false}; }

constexpr SyscallFault kNotReady{Way::kRefused, EAGAIN, true};
constexpr SyscallFault kInterrupted{Way::kRefused, EINTR, true};
constexpr SyscallFault kPart{Way::kPart, 0, true};

constexpr SyscallFault kStreamInput[] = {kNotReady, kInterrupted, kPart, refused(ECONNRESET),
                                         refused(ENOMEM)};
constexpr SyscallFault kDatagramInput[] = {kNotReady, kInterrupted, refused(ECONNREFUSED),
                                           refused(ENOMEM)};
constexpr SyscallFault kBatchInput[] = {kNotReady, kInterrupted, kPart, refused(ECONNREFUSED),
                                        refused(ENOMEM)};
constexpr SyscallFault kStreamOutput[] = {kNotReady,      kInterrupted,        kPart,
                                          refused(EPIPE), refused(ECONNRESET), refused(ENOBUFS)};
constexpr SyscallFault kDatagramOutput[] = {kNotReady, kInterrupted, refused(ECONNREFUSED),
                                            refused(ENOBUFS)};
constexpr SyscallFault kBatchOutput[] = {kNotReady, kInterrupted, kPart, refused(ECONNREFUSED),
                                         refused(ENOBUFS)};
constexpr SyscallFault kFile[] = {kInterrupted, kPart, refused(EIO)};
constexpr SyscallFault kCounter[] = {kNotReady, kInterrupted};  // an eventfd: all or nothing
constexpr SyscallFault kSendfile[] = {kNotReady,       kInterrupted,    kPart,       refused(EPIPE),
                                      refused(EINVAL), refused(ENOMEM), refused(EIO)};
constexpr SyscallFault kNewDescriptor[] = {refused(EMFILE), refused(ENFILE), refused(ENOMEM)};
constexpr SyscallFault kNewSocket[] = {refused(EMFILE), refused(ENFILE), refused(ENOBUFS)};
// One of each class of resources: after those the server pauses, in real time.
constexpr SyscallFault kAccept[] = {kNotReady, kInterrupted, refused(ECONNABORTED), refused(EMFILE),
                                    refused(ENOMEM)};
// An interrupted connect() goes on by itself.
constexpr SyscallFault kStreamConnect[] = {
    {Way::kReported, EINTR, true}, refused(ECONNREFUSED), refused(EADDRNOTAVAIL), refused(ENOBUFS)};
constexpr SyscallFault kDatagramConnect[] = {refused(ENETUNREACH), refused(ENOBUFS)};
// The number is free again in any case.
constexpr SyscallFault kClose[] = {{Way::kReported, EINTR, true}, {Way::kReported, EIO, true}};
constexpr SyscallFault kBind[] = {refused(EADDRINUSE), refused(ENOMEM)};
constexpr SyscallFault kSocketCall[] = {refused(ENOBUFS)};
constexpr SyscallFault kWatch[] = {refused(ENOMEM), refused(ENOSPC)};
constexpr SyscallFault kWait[] = {kInterrupted};
constexpr SyscallFault kFileCall[] = {refused(ENOMEM), refused(EIO)};
constexpr SyscallFault kLookup[] = {refused(EAI_AGAIN), refused(EAI_MEMORY), refused(EAI_NONAME)};

template <const auto& kWays>
Ways always(int) {
  return kWays;
}

// Of a call that cannot fail.
Ways nowhere(int) { return {}; }

struct stat status_of(int fd) {
  struct stat status{};
  ::syscall(SYS_fstat, fd, &status);
  return status;
}

bool is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  ::syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_STREAM;
}

Ways input(int fd) { return is_stream(fd) ? Ways(kStreamInput) : Ways(kDatagramInput); }
Ways output(int fd) { return is_stream(fd) ? Ways(kStreamOutput) : Ways(kDatagramOutput); }

Ways connecting(int fd) { return is_stream(fd) ? Ways(kStreamConnect) : Ways(kDatagramConnect); }

Ways reading(int fd) {
  const mode_t mode = status_of(fd).st_mode;
  if (S_ISFIFO(mode)) return kStreamInput;
  if (S_ISSOCK(mode)) return input(fd);
  return S_ISREG(mode) ? Ways(kFile) : Ways(kCounter);
}

Ways writing(int fd) {
  const mode_t mode = status_of(fd).st_mode;
  if (S_ISFIFO(mode)) return kStreamOutput;
  if (S_ISSOCK(mode)) return output(fd);
  return S_ISREG(mode) ? Ways(kFile) : Ways(kCounter);
}

// The plan and what has come of it, for all threads.

constinit std::atomic<bool> armed = false;
constinit std::atomic<int> planned_call = 0;
constinit std::atomic<int> planned_way = 0;
constinit std::atomic<int> call_count = 0;
constinit std::atomic<const SyscallFault*> reached_ways = nullptr;
constinit std::atomic<int> reached_way_count = 0;
constinit std::atomic<const char*> reached_call = nullptr;
constinit std::atomic<const char*> stale_call = nullptr;

constinit thread_local bool counted_thread = false;

// What the call is to suffer; null: nothing.
const SyscallFault* next_fault(const char* call, Ways ways) noexcept {
  if (ways.empty()) return nullptr;
  if (call_count.fetch_add(1) + 1 != planned_call.load()) return nullptr;
  reached_call.store(call);
  reached_ways.store(ways.data());
  reached_way_count.store(static_cast<int>(ways.size()));
  const auto way = static_cast<std::size_t>(planned_way.load());
  return way < ways.size() ? &ways[way] : nullptr;
}

void note_stale_use(const char* call) noexcept {
  const char* none = nullptr;
  stale_call.compare_exchange_strong(none, call);
}

// `make(only_part)` makes the call.
template <class Make>
auto suffer(const SyscallFault& fault, Make make) noexcept {
  using Result = decltype(make(false));
  if (fault.way == Way::kPart) return make(true);
  if (fault.way == Way::kReported) make(false);
  errno = fault.error;
  return Result{-1};
}

// A call on `fd`, which may be no descriptor.
template <class Make>
long intercept(const char* call, int fd, Ways (*ways)(int fd), Make make) noexcept {
  if (!counted_thread) return make(false);
  if (const SyscallFault* fault = next_fault(call, ways(fd))) return suffer(*fault, make);
  const long result = make(false);
  if (result == -1 && errno == EBADF && fd >= 0) note_stale_use(call);
  return result;
}

template <const auto& kWays, class Make>
long intercept(const char* call, Make make) noexcept {
  return intercept(call, -1, always<kWays>, [&](bool) { return make(); });
}

// A call of any thread.
template <const auto& kWays, class Make>
auto intercept_anywhere(const char* call, Make make) noexcept {
  if (!armed.load()) return make(false);
  const SyscallFault* const fault = next_fault(call, kWays);
  return fault == nullptr ? make(false) : suffer(*fault, make);
}

std::size_t part_of(std::size_t size, bool only_part) { return only_part && size > 1 ? 1 : size; }

// The first byte of what a call sends or receives.
iovec first_byte(const iovec* pieces, std::size_t count) {
  for (const iovec& piece : std::span(pieces, count)) {
    if (piece.iov_len > 0) return {.iov_base = piece.iov_base, .iov_len = 1};
  }
  return {};
}

template <class Call>
long with_message(const msghdr* message, bool only_part, Call call) {
  if (!only_part) return call(message);
  msghdr part = *message;
  iovec byte = first_byte(part.msg_iov, part.msg_iovlen);
  part.msg_iov = &byte;
  part.msg_iovlen = 1;
  return call(&part);
}

template <class Function>
Function* next_definition(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

std::string describe(const SyscallFault& fault) {
  if (fault.way == Way::kPart) return "only a part";
  if (fault.error < 0) return ::gai_strerror(fault.error);
  const char* const name = ::strerrorname_np(fault.error);
  return name != nullptr ? name : std::to_string(fault.error);
}

SyscallFaults::SyscallFaults(int call, int way) noexcept {
  planned_call = call;
  planned_way = way;
  call_count = 0;
  reached_call = nullptr;
  reached_ways = nullptr;
  reached_way_count = 0;
  stale_call = nullptr;
  counted_thread = true;
  armed = true;
}

SyscallFaults::~SyscallFaults() {
  armed = false;
  counted_thread = false;
}

int SyscallFaults::calls() const noexcept { return call_count; }

int SyscallFaults::ways() const noexcept { return reached_way_count; }

std::optional<InjectedFault> SyscallFaults::injected() const noexcept {
  const int way = planned_way;
  if (way >= ways()) return std::nullopt;
  return InjectedFault{reached_call, reached_ways.load()[way]};
}

const char* SyscallFaults::stale_use() const noexcept { return stale_call; }

SparedSyscalls::SparedSyscalls() noexcept : counted_(std::exchange(counted_thread, false)) {}

SparedSyscalls::~SparedSyscalls() { counted_thread = counted_; }

}  // namespace asyncio::testing::internal

// In place of glibc's. Raw calls, for dlsym() is nothing for a signal handler.

using namespace asyncio::testing::internal;  // NOLINT: these must be global

extern "C" {

// Descriptors.

int close(int fd) {
  return static_cast<int>(
      intercept("close", fd, always<kClose>, [&](bool) { return ::syscall(SYS_close, fd); }));
}

int dup3(int from, int to, int flags) noexcept {
  return static_cast<int>(
      intercept<kNewDescriptor>("dup3", [&] { return ::syscall(SYS_dup3, from, to, flags); }));
}

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const auto make = [&](bool) { return ::syscall(SYS_fcntl, fd, command, argument); };
  const bool makes_one = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  return static_cast<int>(
      intercept("fcntl", fd, makes_one ? always<kNewDescriptor> : nowhere, make));
}

ssize_t read(int fd, void* data, std::size_t size) {
  return intercept("read", fd, reading,
                   [&](bool part) { return ::syscall(SYS_read, fd, data, part_of(size, part)); });
}

ssize_t write(int fd, const void* data, std::size_t size) {
  return intercept("write", fd, writing,
                   [&](bool part) { return ::syscall(SYS_write, fd, data, part_of(size, part)); });
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  return intercept("writev", fd, writing, [&](bool part) {
    if (!part) return ::syscall(SYS_writev, fd, pieces, count);
    const iovec byte = first_byte(pieces, static_cast<std::size_t>(count));
    return ::syscall(SYS_writev, fd, &byte, 1);
  });
}

ssize_t pread(int fd, void* data, std::size_t size, off_t offset) {
  return intercept_anywhere<kFile>("pread", [&](bool part) {
    return ::syscall(SYS_pread64, fd, data, part_of(size, part), offset);
  });
}

off_t lseek(int fd, off_t offset, int whence) noexcept {
  return intercept<kFileCall>("lseek", [&] { return ::syscall(SYS_lseek, fd, offset, whence); });
}

ssize_t sendfile(int to, int from, off_t* offset, std::size_t size) noexcept {
  return intercept("sendfile", to, always<kSendfile>, [&](bool part) {
    return ::syscall(SYS_sendfile, to, from, offset, part_of(size, part));
  });
}

int eventfd(unsigned count, int flags) noexcept {
  return static_cast<int>(
      intercept<kNewDescriptor>("eventfd", [&] { return ::syscall(SYS_eventfd2, count, flags); }));
}

// Sockets. shutdown() fails only where the connection is gone, which receiving tells.

int socket(int family, int type, int protocol) noexcept {
  return static_cast<int>(intercept<kNewSocket>(
      "socket", [&] { return ::syscall(SYS_socket, family, type, protocol); }));
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  return static_cast<int>(intercept("bind", fd, always<kBind>,
                                    [&](bool) { return ::syscall(SYS_bind, fd, address, size); }));
}

int listen(int fd, int backlog) noexcept {
  return static_cast<int>(intercept("listen", fd, always<kBind>,
                                    [&](bool) { return ::syscall(SYS_listen, fd, backlog); }));
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return static_cast<int>(intercept("accept4", fd, always<kAccept>, [&](bool) {
    return ::syscall(SYS_accept4, fd, address, size, flags);
  }));
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return static_cast<int>(intercept(
      "connect", fd, connecting, [&](bool) { return ::syscall(SYS_connect, fd, address, size); }));
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  return static_cast<int>(intercept("getsockopt", fd, always<kSocketCall>, [&](bool) {
    return ::syscall(SYS_getsockopt, fd, level, name, value, size);
  }));
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  return static_cast<int>(intercept("setsockopt", fd, always<kSocketCall>, [&](bool) {
    return ::syscall(SYS_setsockopt, fd, level, name, value, size);
  }));
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  return static_cast<int>(intercept("getsockname", fd, always<kSocketCall>, [&](bool) {
    return ::syscall(SYS_getsockname, fd, address, size);
  }));
}

int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
  return static_cast<int>(intercept("getpeername", fd, always<kSocketCall>, [&](bool) {
    return ::syscall(SYS_getpeername, fd, address, size);
  }));
}

ssize_t recv(int fd, void* data, std::size_t size, int flags) {
  return intercept("recv", fd, input, [&](bool part) {
    return ::syscall(SYS_recvfrom, fd, data, part_of(size, part), flags, nullptr, nullptr);
  });
}

ssize_t recvfrom(int fd, void* data, std::size_t size, int flags, sockaddr* address,
                 socklen_t* address_size) {
  return intercept("recvfrom", fd, input, [&](bool part) {
    return ::syscall(SYS_recvfrom, fd, data, part_of(size, part), flags, address, address_size);
  });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return intercept("recvmsg", fd, input, [&](bool part) {
    return with_message(
        message, part, [&](const msghdr* what) { return ::syscall(SYS_recvmsg, fd, what, flags); });
  });
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit) {
  return static_cast<int>(intercept("recvmmsg", fd, always<kBatchInput>, [&](bool part) {
    return ::syscall(SYS_recvmmsg, fd, messages, part_of(count, part), flags, limit);
  }));
}

ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  return intercept("send", fd, output, [&](bool part) {
    return ::syscall(SYS_sendto, fd, data, part_of(size, part), flags, nullptr, 0);
  });
}

ssize_t sendto(int fd, const void* data, std::size_t size, int flags, const sockaddr* address,
               socklen_t address_size) {
  return intercept("sendto", fd, output, [&](bool part) {
    return ::syscall(SYS_sendto, fd, data, part_of(size, part), flags, address, address_size);
  });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return intercept("sendmsg", fd, output, [&](bool part) {
    return with_message(
        message, part, [&](const msghdr* what) { return ::syscall(SYS_sendmsg, fd, what, flags); });
  });
}

int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(intercept("sendmmsg", fd, always<kBatchOutput>, [&](bool part) {
    return ::syscall(SYS_sendmmsg, fd, messages, part_of(count, part), flags);
  }));
}

int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  static auto* const real = next_definition<decltype(::getaddrinfo)>("getaddrinfo");
  if (!armed.load()) return real(host, service, hints, list);
  const SyscallFault* const fault = next_fault("getaddrinfo", kLookup);
  return fault == nullptr ? real(host, service, hints, list) : fault->error;
}

// Readiness.

int epoll_create1(int flags) noexcept {
  return static_cast<int>(intercept<kNewDescriptor>(
      "epoll_create1", [&] { return ::syscall(SYS_epoll_create1, flags); }));
}

// Only what is new needs memory.
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  const auto make = [&](bool) { return ::syscall(SYS_epoll_ctl, epoll, operation, fd, event); };
  const bool adds = operation == EPOLL_CTL_ADD;
  return static_cast<int>(intercept("epoll_ctl", fd, adds ? always<kWatch> : nowhere, make));
}

// The kernel's size of a sigset_t, not the C library's.
constexpr std::size_t kSignalSetSize = _NSIG / 8;

int epoll_wait(int epoll, epoll_event* events, int most, int milliseconds) {
  return static_cast<int>(intercept("epoll_wait", epoll, always<kWait>, [&](bool) {
    return ::syscall(SYS_epoll_pwait, epoll, events, most, milliseconds, nullptr, kSignalSetSize);
  }));
}

#ifdef SYS_epoll_pwait2
int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* limit,
                 const sigset_t* mask) {
  return static_cast<int>(intercept("epoll_pwait2", epoll, always<kWait>, [&](bool) {
    return ::syscall(SYS_epoll_pwait2, epoll, events, most, limit, mask, kSignalSetSize);
  }));
}
#endif

// The kernel writes to its copy of the limit.
int ppoll(pollfd* fds, nfds_t count, const timespec* limit, const sigset_t* mask) {
  timespec rest = limit != nullptr ? *limit : timespec{};
  return static_cast<int>(intercept<kWait>("ppoll", [&] {
    return ::syscall(SYS_ppoll, fds, count, limit != nullptr ? &rest : nullptr, mask,
                     kSignalSetSize);
  }));
}

// Files, and the names of Unix sockets.

int fstat(int fd, struct stat* status) noexcept {
  return static_cast<int>(intercept("fstat", fd, always<kFileCall>,
                                    [&](bool) { return ::syscall(SYS_fstat, fd, status); }));
}

int stat(const char* path, struct stat* status) noexcept {
  return static_cast<int>(intercept<kFileCall>(
      "stat", [&] { return ::syscall(SYS_newfstatat, AT_FDCWD, path, status, 0); }));
}

int lstat(const char* path, struct stat* status) noexcept {
  return static_cast<int>(intercept<kFileCall>("lstat", [&] {
    return ::syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
  }));
}

int fchmod(int fd, mode_t mode) noexcept {
  return static_cast<int>(intercept("fchmod", fd, always<kFileCall>,
                                    [&](bool) { return ::syscall(SYS_fchmod, fd, mode); }));
}

int link(const char* from, const char* to) noexcept {
  return static_cast<int>(intercept<kFileCall>(
      "link", [&] { return ::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); }));
}

int rename(const char* from, const char* to) noexcept {
  return static_cast<int>(intercept<kFileCall>(
      "rename", [&] { return ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); }));
}

int unlink(const char* path) noexcept {
  return static_cast<int>(
      intercept<kFileCall>("unlink", [&] { return ::syscall(SYS_unlinkat, AT_FDCWD, path, 0); }));
}

}  // extern "C"
