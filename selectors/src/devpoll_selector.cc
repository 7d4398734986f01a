#include "asyncio/selectors/devpoll_selector.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "asyncio/selectors/os_error.h"
#include "selectors/src/devpoll_api.h"
#include "selectors/src/open_descriptor.h"
#include "selectors/src/poll_events.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

// Events taken from the kernel by one wait; it hands out the rest with the next ones, in turn. Room
// for none at all would make it sleep only.
constexpr rlim_t kBatch = 1024;

std::size_t batch_size() {
  rlimit descriptors;
  check(::getrlimit(RLIMIT_NOFILE, &descriptors), "getrlimit");
  return static_cast<std::size_t>(std::clamp<rlim_t>(descriptors.rlim_cur, 1, kBatch));
}

}  // namespace

DevpollSelector::DevpollSelector() : DevpollSelector(system_devpoll()) {}

DevpollSelector::DevpollSelector(DevpollApi& kernel)
    : kernel_(kernel),
      events_(batch_size()),
      devpoll_(check(kernel.open(kDevpollPath, O_RDWR | O_CLOEXEC), kDevpollPath)) {}

DevpollSelector::~DevpollSelector() { os_close(); }

void DevpollSelector::os_add(Registration registration, EventMask events) {
  os_modify(registration, events);
}

// The kernel adds events to those that it watches for already, so these go first. It takes any
// number and would report one that is not open with every wait.
void DevpollSelector::os_modify(Registration registration, EventMask events) {
  require_open_descriptor(registration.fd);
  const std::array<pollfd, 2> changes = {
      {{registration.fd, kDevpollRemove, 0}, {registration.fd, to_poll(events), 0}}};
  check(write(changes), kDevpollPath);
}

void DevpollSelector::os_remove(int fd) noexcept {
  const LastErrorKeeper keeper;
  const std::array<pollfd, 1> changes = {{{fd, kDevpollRemove, 0}}};
  write(changes);
}

int DevpollSelector::os_wait(Duration timeout) {
  DevpollWait wait{};
  wait.dp_fds = events_.data();
  wait.dp_nfds = static_cast<decltype(wait.dp_nfds)>(events_.size());
  wait.dp_timeout = to_milliseconds(timeout);
  return wait_result(kernel_.ioctl(devpoll_, kDevpollWait, &wait), "ioctl");
}

void DevpollSelector::os_collect(int ready) {
  for (const pollfd& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
    if ((event.revents & POLLNVAL) != 0 || !get_map().contains(event.fd)) {
      os_remove(event.fd);
    } else {
      report(event.fd, from_poll(event.revents));
    }
  }
}

void DevpollSelector::os_close() noexcept {
  const int devpoll = std::exchange(devpoll_, -1);
  if (devpoll == -1) return;
  const LastErrorKeeper keeper;
  kernel_.close(devpoll);
}

int DevpollSelector::write(std::span<const pollfd> changes) noexcept {
  const ssize_t written = retry_on_interrupt([&] { return kernel_.write(devpoll_, changes); });
  if (written == -1) return -1;
  if (static_cast<std::size_t>(written) == changes.size_bytes()) return 0;
  errno = EIO;
  return -1;
}

}  // namespace asyncio
