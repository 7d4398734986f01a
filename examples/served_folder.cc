#include "examples/served_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace examples {
namespace {

// Nothing that a client may ask for waits when it is opened, as a FIFO would.
int open_beneath(int folder, const std::string& path) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH;
  return static_cast<int>(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how)));
}

// That there is no such file, or none for those who ask.
bool means_not_found(int error) {
  switch (error) {
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case ENOTDIR:
    case ENXIO:  // a socket
    case EXDEV:  // out of the folder
      return true;
    default:
      return false;
  }
}

}  // namespace

ServedFolder::ServedFolder(const std::string& root)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (!root_.valid()) asyncio::throw_os_error(asyncio::last_error(), "open('" + root + "')");
}

std::optional<OpenFile> ServedFolder::open(const std::string& path) const {
  if (path.find('\0') != std::string::npos) return std::nullopt;
  asyncio::FileDescriptor descriptor(open_beneath(root_.get(), path));
  if (!descriptor.valid()) {
    const int error = asyncio::last_error();
    if (means_not_found(error)) return std::nullopt;
    asyncio::throw_os_error(error, "openat2");
  }
  struct stat status = {};
  asyncio::check(fstat(descriptor.get(), &status), "fstat");
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return OpenFile{std::move(descriptor), status.st_size, status.st_mtim};
}

}  // namespace examples
