#include "selectors/src/devpoll_api.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace asyncio {
namespace {

class SystemDevpoll final : public DevpollApi {
 public:
  int open(const char* path, int flags) override { return ::open(path, flags); }
  ssize_t write(int devpoll, std::span<const pollfd> changes) override {
    return ::write(devpoll, changes.data(), changes.size_bytes());
  }
  int ioctl(int devpoll, int request, void* argument) override {
    return ::ioctl(devpoll, static_cast<unsigned>(request), argument);
  }
  int close(int devpoll) override { return ::close(devpoll); }
};

}  // namespace

DevpollApi& system_devpoll() noexcept {
  static SystemDevpoll kernel;
  return kernel;
}

}  // namespace asyncio
