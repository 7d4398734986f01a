// OsError: what becomes of a failed system call.
//
// Every operating system error in asyncio is an OsError or one of the subclasses below, one for
// each class that Python keeps for the same error numbers, so that `except ConnectionResetError:`
// becomes `catch (const asyncio::ConnectionResetError&)`. All of them are std::system_error: code()
// compares with std::errc.
//
//   // Throws FileNotFoundError, PermissionError, ...
//   const FileDescriptor fd(check(::open(path, O_RDONLY | O_CLOEXEC), "open"));
//
//   const ssize_t count = retry_on_interrupt([&] { return ::read(fd.get(), data, size); });
//   if (count == -1 && last_error() == EAGAIN) return;
//
// This header and its source are the only place where errno is read. That is more than tidiness:
// errno is a thread's own variable, and a coroutine that reads it on one thread and resumes on
// another may use a stale address.

#ifndef ASYNCIO_SELECTORS_OS_ERROR_H_
#define ASYNCIO_SELECTORS_OS_ERROR_H_

#include <cerrno>
#include <concepts>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace asyncio {

// A system call that failed. Counterpart of Python's OSError.
class OsError : public std::system_error {
 public:
  // what() reads "<call>: <the system's words>", so `call` may also say what the call was for, as
  // in "connect('127.0.0.1', 8888)". Prefer throw_os_error(), which picks the subclass.
  OsError(int error_number, std::string_view call);

  // The errno value, e.g. ECONNREFUSED. Python's `errno` attribute.
  int error_number() const noexcept { return code().value(); }
};

// EAGAIN, EWOULDBLOCK, EALREADY, EINPROGRESS: the call would have to wait on a non-blocking
// descriptor.
class BlockingIOError : public OsError {
 public:
  using OsError::OsError;
};

// ECHILD: there is no such child process to wait for.
class ChildProcessError : public OsError {
 public:
  using OsError::OsError;
};

// The base of the four ways to lose a connection; not thrown itself.
class ConnectionError : public OsError {
 public:
  using OsError::OsError;
};

// EPIPE, ESHUTDOWN: written to a pipe or socket whose other end is closed or which was shut down
// for writing.
class BrokenPipeError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// ECONNABORTED: given up on this side.
class ConnectionAbortedError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// ECONNREFUSED: nobody listens there.
class ConnectionRefusedError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// ECONNRESET: reset by the peer.
class ConnectionResetError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// EEXIST.
class FileExistsError : public OsError {
 public:
  using OsError::OsError;
};

// ENOENT.
class FileNotFoundError : public OsError {
 public:
  using OsError::OsError;
};

// EINTR. Calls made through retry_on_interrupt() never end with it.
class InterruptedError : public OsError {
 public:
  using OsError::OsError;
};

// EISDIR.
class IsADirectoryError : public OsError {
 public:
  using OsError::OsError;
};

// ENOTDIR.
class NotADirectoryError : public OsError {
 public:
  using OsError::OsError;
};

// EACCES, EPERM. Epoll answers so when asked to watch a regular file.
class PermissionError : public OsError {
 public:
  using OsError::OsError;
};

// ESRCH.
class ProcessLookupError : public OsError {
 public:
  using OsError::OsError;
};

// ETIMEDOUT; also what asyncio's own time limits throw, as since Python 3.11 asyncio.TimeoutError
// is the built-in one. error_number() is ETIMEDOUT in either case.
class TimeoutError : public OsError {
 public:
  using OsError::OsError;

  // A time limit of ours: what() is "timed out".
  TimeoutError();

  // A time limit of ours: what() is exactly `message`.
  explicit TimeoutError(std::string_view message);

  const char* what() const noexcept override;

 private:
  // Shared because copying an exception must not throw; null if the operating system's words stand.
  std::shared_ptr<const std::string> message_;
};

// Throws the class of the list above that Python raises for this number, else a plain OsError.
[[noreturn]] void throw_os_error(int error_number, std::string_view call);

// The same exception, not thrown: for Future::set_exception and connection_lost.
std::exception_ptr make_os_error(int error_number, std::string_view call);

// The number left by this thread's last failed system call; ask before making another one.
// Async-signal-safe.
int last_error() noexcept;

// Puts the thread's last error back when it goes out of scope: for destructors and signal handlers,
// which must not disturb the error that the code around them is about to look at.
// Async-signal-safe.
class LastErrorKeeper {
 public:
  LastErrorKeeper() noexcept : error_number_(last_error()) {}
  LastErrorKeeper(const LastErrorKeeper&) = delete;
  LastErrorKeeper& operator=(const LastErrorKeeper&) = delete;
  ~LastErrorKeeper();

 private:
  const int error_number_;
};

// Hands back what a system call returned, or throws as throw_os_error() does if that was -1.
template <std::signed_integral Result>
Result check(Result result, std::string_view call) {
  if (result == -1) [[unlikely]]
    throw_os_error(last_error(), call);
  return result;
}

// Makes a system call again for as long as signals interrupt it (Python's PEP 475); returns its
// last answer, -1 for any other error. Not for close(), nor for calls whose time limit must shrink.
template <std::invocable Call>
auto retry_on_interrupt(Call call) {
  while (true) {
    const auto result = call();
    if (result != -1 || last_error() != EINTR) return result;
  }
}

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_OS_ERROR_H_
