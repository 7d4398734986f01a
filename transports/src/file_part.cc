#include "transports/src/file_part.h"

#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

// sendfile(2) has no flag against SIGPIPE, as send(2) has.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const LastErrorKeeper keeper;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  // The signal of a call that has failed with EPIPE.
  void take() {
    const LastErrorKeeper keeper;
    constexpr timespec kNow{};
    ::sigtimedwait(&sigpipe_, nullptr, &kNow);
  }

 private:
  sigset_t sigpipe_;
  sigset_t before_;
};

// A pipe has no positions.
std::string read_block(int file, std::int64_t position, std::size_t most) {
  std::string block(most, '\0');
  ssize_t size = retry_on_interrupt([&] { return ::pread(file, block.data(), most, position); });
  if (size == -1 && last_error() == ESPIPE) {
    size = retry_on_interrupt([&] { return ::read(file, block.data(), most); });
  }
  block.resize(static_cast<std::size_t>(check(size, "read")));
  return block;
}

std::int64_t require_offset(std::int64_t offset) {
  if (offset >= 0) return offset;
  throw std::invalid_argument(
      absl::StrCat("offset must be a non-negative integer (got ", offset, ")"));
}

std::size_t require_count(std::optional<std::int64_t> count) {
  if (!count.has_value()) return std::numeric_limits<std::int64_t>::max();
  if (*count > 0) return static_cast<std::size_t>(*count);
  throw std::invalid_argument(absl::StrCat("count must be a positive integer (got ", *count, ")"));
}

}  // namespace

FilePart::FilePart(int file, std::int64_t offset, std::optional<std::int64_t> count)
    : file_(file), offset_(require_offset(offset)), most_(require_count(count)) {}

FilePart::~FilePart() {
  const LastErrorKeeper keeper;
  if (sent_ > 0) ::lseek(file_, position(), SEEK_SET);
}

bool FilePart::is_regular() {
  struct stat status{};
  if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const auto size = std::max<std::int64_t>(status.st_size - offset_, 0);
  most_ = std::min(most_, static_cast<std::size_t>(size));
  return true;
}

std::ptrdiff_t FilePart::send_to(int socket) {
  off_t from = position();
  NoSigpipe no_sigpipe;
  const ssize_t size = ::sendfile(socket, file_, &from, left());
  if (size == -1 && last_error() == EPIPE) no_sigpipe.take();
  if (size > 0) sent_ += static_cast<std::size_t>(size);
  if (size == 0) ended_ = true;
  return size;
}

Future<std::string> FilePart::read(std::size_t most) {
  return run_in_executor(nullptr, read_block, file_, position(), std::min(most, left()));
}

}  // namespace asyncio
