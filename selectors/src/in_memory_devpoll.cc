#include "selectors/src/in_memory_devpoll.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/process_stamp.h"

namespace asyncio {
namespace {

int fail(int error) {
  errno = error;
  return -1;
}

std::size_t most_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace

class InMemoryDevpoll::Device {
 public:
  explicit Device(int devpoll) : devpoll_(devpoll) {}

  bool may_be_used() const { return owner_.is_current(); }

  void write(const pollfd& change);
  int wait(const DevpollWait& wait);
  int look_up(pollfd& asked) const;

 private:
  struct Watched {
    bool exists = false;
    short events = 0;
  };

  bool contains(int fd) const {
    return fd >= 0 && static_cast<std::size_t>(fd) < watched_.size() &&
           watched_[static_cast<std::size_t>(fd)].exists;
  }

  const FileDescriptor devpoll_;
  const ProcessStamp owner_;
  // By descriptor.
  std::vector<Watched> watched_;
  std::vector<pollfd> polled_;
  // The descriptor that the next batch starts with.
  std::size_t next_ = 0;
};

void InMemoryDevpoll::Device::write(const pollfd& change) {
  const auto fd = static_cast<std::size_t>(change.fd);
  if (change.fd < 0 || fd >= most_descriptors()) return;
  if (fd >= watched_.size()) watched_.resize(fd + 1);
  Watched& watched = watched_[fd];
  if (change.events == kDevpollRemove) {
    watched = {};
  } else {
    watched.exists = true;
    watched.events = static_cast<short>(watched.events | change.events);
  }
}

int InMemoryDevpoll::Device::wait(const DevpollWait& wait) {
  if (wait.dp_nfds > most_descriptors()) return fail(EINVAL);
  if (wait.dp_nfds == 0) return ::poll(nullptr, 0, wait.dp_timeout);
  if (wait.dp_fds == nullptr) return fail(EINVAL);
  polled_.clear();
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const std::size_t fd = (next_ + i) % watched_.size();
    if (watched_[fd].exists) polled_.push_back({static_cast<int>(fd), watched_[fd].events, 0});
  }
  const int ready = ::poll(polled_.data(), polled_.size(), wait.dp_timeout);
  if (ready == -1) return -1;
  std::size_t count = 0;
  for (const pollfd& polled : polled_) {
    if (count == wait.dp_nfds) break;
    if (polled.revents == 0) continue;
    wait.dp_fds[count].fd = polled.fd;
    wait.dp_fds[count].revents = polled.revents;
    ++count;
    next_ = static_cast<std::size_t>(polled.fd) + 1;
  }
  return static_cast<int>(count);
}

int InMemoryDevpoll::Device::look_up(pollfd& asked) const {
  if (!contains(asked.fd)) return 0;
  asked.revents = watched_[static_cast<std::size_t>(asked.fd)].events;
  return 1;
}

InMemoryDevpoll::InMemoryDevpoll() = default;
InMemoryDevpoll::~InMemoryDevpoll() = default;

int InMemoryDevpoll::open(const char* path, int flags) {
  if (std::string_view(path) != kDevpollPath) return fail(ENOENT);
  if ((flags & O_ACCMODE) != O_RDWR) return fail(EINVAL);
  const int devpoll = ::eventfd(0, (flags & O_CLOEXEC) != 0 ? EFD_CLOEXEC : 0);
  if (devpoll == -1) return -1;
  const std::lock_guard lock(mutex_);
  devices_[devpoll] = std::make_unique<Device>(devpoll);
  return devpoll;
}

ssize_t InMemoryDevpoll::write(int devpoll, std::span<const pollfd> changes) {
  Device* device = find(devpoll);
  if (device == nullptr) return -1;
  for (const pollfd& change : changes) device->write(change);
  return static_cast<ssize_t>(changes.size_bytes());
}

int InMemoryDevpoll::ioctl(int devpoll, int request, void* argument) {
  Device* device = find(devpoll);
  if (device == nullptr) return -1;
  switch (request) {
    case kDevpollWait:
      return device->wait(*static_cast<const DevpollWait*>(argument));
    case kDevpollIsPolled:
      return device->look_up(*static_cast<pollfd*>(argument));
    default:
      return fail(EINVAL);
  }
}

int InMemoryDevpoll::close(int devpoll) {
  const std::lock_guard lock(mutex_);
  return devices_.erase(devpoll) == 1 ? 0 : fail(EBADF);
}

InMemoryDevpoll::Device* InMemoryDevpoll::find(int devpoll) {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(devpoll);
  if (found == devices_.end()) {
    errno = EBADF;
    return nullptr;
  }
  if (!found->second->may_be_used()) {
    errno = EACCES;
    return nullptr;
  }
  return found->second.get();
}

}  // namespace asyncio
