#include "asyncio/selectors/os_error.h"

#include <cerrno>

namespace asyncio {
namespace {

template <class Error>
std::exception_ptr make(int error_number, std::string_view call) {
  return std::make_exception_ptr(Error(error_number, call));
}

}  // namespace

OsError::OsError(int error_number, std::string_view call)
    : std::system_error(error_number, std::system_category(), std::string(call)) {}

TimeoutError::TimeoutError() : TimeoutError("timed out") {}

TimeoutError::TimeoutError(std::string_view message)
    : OsError(ETIMEDOUT, message), message_(std::make_shared<const std::string>(message)) {}

const char* TimeoutError::what() const noexcept {
  return message_ == nullptr ? OsError::what() : message_->c_str();
}

void throw_os_error(int error_number, std::string_view call) {
  std::rethrow_exception(make_os_error(error_number, call));
}

std::exception_ptr make_os_error(int error_number, std::string_view call) {
#if EWOULDBLOCK != EAGAIN
  if (error_number == EWOULDBLOCK) return make<BlockingIOError>(error_number, call);
#endif
  switch (error_number) {
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS:
      return make<BlockingIOError>(error_number, call);
    case ECHILD:
      return make<ChildProcessError>(error_number, call);
    case EPIPE:
    case ESHUTDOWN:
      return make<BrokenPipeError>(error_number, call);
    case ECONNABORTED:
      return make<ConnectionAbortedError>(error_number, call);
    case ECONNREFUSED:
      return make<ConnectionRefusedError>(error_number, call);
    case ECONNRESET:
      return make<ConnectionResetError>(error_number, call);
    case EEXIST:
      return make<FileExistsError>(error_number, call);
    case ENOENT:
      return make<FileNotFoundError>(error_number, call);
    case EINTR:
      return make<InterruptedError>(error_number, call);
    case EISDIR:
      return make<IsADirectoryError>(error_number, call);
    case ENOTDIR:
      return make<NotADirectoryError>(error_number, call);
    case EACCES:
    case EPERM:
      return make<PermissionError>(error_number, call);
    case ESRCH:
      return make<ProcessLookupError>(error_number, call);
    case ETIMEDOUT:
      return make<TimeoutError>(error_number, call);
    default:
      return make<OsError>(error_number, call);
  }
}

int last_error() noexcept { return errno; }

LastErrorKeeper::~LastErrorKeeper() { errno = error_number_; }

}  // namespace asyncio
