#include "transports/src/socket_file.h"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "asyncio/events/logger.h"

namespace asyncio::internal {
namespace {

// In the same folder, so that moving is one step.
std::string name_aside(const std::string& path) {
  std::random_device random;
  return absl::StrCat(path, ".", absl::Hex(random()), absl::Hex(random()));
}

// Replaces nothing that has come meanwhile.
void put_back(const std::string& aside, const std::string& path) {
  if (::link(aside.c_str(), path.c_str()) == 0) ::unlink(aside.c_str());
}

}  // namespace

bool remove_file_if(const std::string& path, absl::FunctionRef<bool(const struct stat&)> wanted) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !wanted(status)) return false;
  const std::string aside = name_aside(path);
  if (::rename(path.c_str(), aside.c_str()) != 0) return false;
  if (::lstat(aside.c_str(), &status) == 0 && wanted(status)) {
    return ::unlink(aside.c_str()) == 0;
  }
  put_back(aside, path);
  return false;
}

bool remove_socket_file(const std::string& path) {
  return remove_file_if(path, [](const struct stat& status) { return S_ISSOCK(status.st_mode); });
}

SocketFile::SocketFile(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;
  path_ = std::filesystem::absolute(path);
  device_ = status.st_dev;
  number_ = status.st_ino;
}

SocketFile::~SocketFile() {
  try {
    if (!path_.empty() && maker_.is_current()) remove();
  } catch (const std::exception& error) {
    log(LogSeverity::kError,
        absl::StrCat("Unable to clean up listening UNIX socket '", path_, "': ", error.what()));
  }
}

void SocketFile::remove() const {
  remove_file_if(path_, [this](const struct stat& status) {
    return status.st_dev == device_ && status.st_ino == number_;
  });
}

}  // namespace asyncio::internal
