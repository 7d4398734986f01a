#include "asyncio/selectors/poll_selector.h"

#include <fcntl.h>

#include <algorithm>

#include "asyncio/selectors/os_error.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

short to_poll(EventMask events) {
  return static_cast<short>((events & kEventRead ? POLLIN : 0) |
                            (events & kEventWrite ? POLLOUT : 0));
}

// Hang-ups and errors are neither of the two bits, so they count as both events.
EventMask to_mask(short happened) {
  EventMask events = 0;
  if (happened & ~POLLIN) events |= kEventWrite;
  if (happened & ~POLLOUT) events |= kEventRead;
  return events;
}

// poll() itself would take any number and complain with every wait.
void require_open_descriptor(int fd) { check(::fcntl(fd, F_GETFD), "fcntl"); }

}  // namespace

void PollSelector::os_add(Registration registration, EventMask events) {
  require_open_descriptor(registration.fd);
  const auto index = static_cast<std::size_t>(registration.fd);
  if (index >= places_.size()) places_.resize(index + 1);
  places_[index] = polled_.size();
  polled_.push_back({registration.fd, to_poll(events), 0});
}

void PollSelector::os_modify(Registration registration, EventMask events) {
  require_open_descriptor(registration.fd);
  polled_[places_[static_cast<std::size_t>(registration.fd)]].events = to_poll(events);
}

// The last one moves to the free place.
void PollSelector::os_remove(int fd) noexcept {
  const std::size_t place = places_[static_cast<std::size_t>(fd)];
  polled_[place] = polled_.back();
  places_[static_cast<std::size_t>(polled_[place].fd)] = place;
  polled_.pop_back();
}

int PollSelector::os_wait(Duration timeout) {
  const timespec limit = timeout.is_infinite() ? timespec{} : to_timespec(timeout);
  const int ready =
      ::ppoll(polled_.data(), polled_.size(), timeout.is_infinite() ? nullptr : &limit, nullptr);
  return wait_result(ready, "poll");
}

void PollSelector::os_collect(int ready) {
  for (const pollfd& polled : polled_) {
    if (polled.revents == 0) continue;
    report(polled.fd, to_mask(polled.revents));
    if (--ready == 0) return;
  }
}

void PollSelector::os_close() noexcept {
  polled_.clear();
  places_.clear();
}

}  // namespace asyncio
