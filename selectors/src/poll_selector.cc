#include "asyncio/selectors/poll_selector.h"

#include <poll.h>

#include <span>

#include "selectors/src/open_descriptor.h"
#include "selectors/src/poll_events.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

#if defined(__APPLE__) || defined(ASYNCIO_WITHOUT_PPOLL)

int poll_for(std::span<pollfd> polled, Duration timeout) {
  return ::poll(polled.data(), static_cast<nfds_t>(polled.size()), to_milliseconds(timeout));
}

#else

int poll_for(std::span<pollfd> polled, Duration timeout) {
  if (timeout.is_infinite()) return ::ppoll(polled.data(), polled.size(), nullptr, nullptr);
  const timespec limit = to_timespec(timeout);
  return ::ppoll(polled.data(), polled.size(), &limit, nullptr);
}

#endif

}  // namespace

void PollSelector::os_add(Registration registration, EventMask events) {
  // poll() itself would take any number and complain with every wait.
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
  return wait_result(poll_for(polled_, timeout), "poll");
}

void PollSelector::os_collect(int ready) {
  for (const pollfd& polled : polled_) {
    if (polled.revents == 0) continue;
    report(polled.fd, from_poll(polled.revents));
    if (--ready == 0) return;
  }
}

void PollSelector::os_close() noexcept {
  polled_.clear();
  places_.clear();
}

}  // namespace asyncio
