#include "asyncio/selectors/kqueue_selector.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/selectors/os_error.h"
#include "selectors/src/kqueue_api.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

// Events taken from the kernel by one wait; it hands out the rest with the next ones, in turn. Room
// for none at all would make it ignore the timeout.
constexpr std::size_t kBatch = 1024;

constexpr EventMask kBoth = kEventRead | kEventWrite;

// Darwin refuses limits above three years; no back end promises more than poll(), which ends here.
constexpr std::chrono::milliseconds kLongest(INT32_MAX);

constexpr auto filter_of(EventMask event) {
  return event == kEventRead ? EVFILT_READ : EVFILT_WRITE;
}

// The generation travels as the user's pointer, which NetBSD declares as a number.
struct kevent to_change(Registration registration, EventMask event, unsigned action) {
  struct kevent change{};
  change.ident = static_cast<decltype(change.ident)>(registration.fd);
  change.filter = static_cast<decltype(change.filter)>(filter_of(event));
  change.flags = static_cast<decltype(change.flags)>(action);
  change.udata = std::bit_cast<decltype(change.udata)>(std::uintptr_t{registration.generation});
  return change;
}

Registration to_registration(const struct kevent& event) {
  return {static_cast<int>(event.ident),
          static_cast<std::uint32_t>(std::bit_cast<std::uintptr_t>(event.udata))};
}

EventMask to_mask(const struct kevent& event) {
  const bool broken = (event.flags & EV_EOF) != 0 && event.fflags != 0;
  if (broken || (event.flags & EV_ERROR) != 0) return kBoth;
  return event.filter == filter_of(kEventRead) ? kEventRead : kEventWrite;
}

// What the kernel has to do about one event. Enabling a filter that is enabled already changes
// nothing, but fails if it is gone because the descriptor was closed and its number used again:
// then the new owner must not be watched on behalf of the old one.
unsigned action_for(bool before, bool after) {
  if (before) return after ? EV_ENABLE : EV_DELETE;
  return after ? EV_ADD : 0;
}

// Whole microseconds, as Darwin drops what is below them.
timespec to_limit(Duration timeout) {
  const Duration rounded = std::chrono::ceil<std::chrono::microseconds>(timeout.nanoseconds());
  return to_timespec(std::min<Duration>(rounded, kLongest));
}

}  // namespace

struct KqueueSelector::Batch {
  std::array<struct kevent, kBatch> events;
};

KqueueSelector::KqueueSelector() : KqueueSelector(system_kqueue()) {}

KqueueSelector::KqueueSelector(KqueueApi& kernel)
    : kernel_(kernel),
      batch_(std::make_unique<Batch>()),
      kqueue_(check(kernel.kqueue(), "kqueue")) {
  ::fcntl(kqueue_, F_SETFD, FD_CLOEXEC);
}

KqueueSelector::~KqueueSelector() { os_close(); }

void KqueueSelector::os_add(Registration registration, EventMask events) {
  absl::Cleanup undo = [this, registration] { os_remove(registration.fd); };
  change(registration, 0, events);
  const auto index = static_cast<std::size_t>(registration.fd);
  if (index >= happened_.size()) happened_.resize(index + 1);
  std::move(undo).Cancel();
}

void KqueueSelector::os_modify(Registration registration, EventMask events) {
  change(registration, get_map().at(registration.fd).events, events);
}

// With room for the errors of both, one does not keep the other from being deleted. What is ready
// may come back as well, and will come back again.
void KqueueSelector::os_remove(int fd) noexcept {
  const LastErrorKeeper keeper;
  const std::array changes = {to_change({fd, 0}, kEventRead, EV_DELETE),
                              to_change({fd, 0}, kEventWrite, EV_DELETE)};
  std::array<struct kevent, 2> errors;
  const timespec now{};
  kernel_.kevent(kqueue_, changes, errors, &now);
}

void KqueueSelector::change(Registration registration, EventMask before, EventMask after) {
  std::array<struct kevent, 2> changes;
  std::size_t count = 0;
  for (const EventMask event : {kEventRead, kEventWrite}) {
    if (const unsigned action = action_for((before & event) != 0, (after & event) != 0)) {
      changes[count++] = to_change(registration, event, action);
    }
  }
  // Without room for events, the first error is that of the call.
  const int result = kernel_.kevent(kqueue_, std::span(changes).first(count), {}, nullptr);
  // A signal comes after the changes.
  if (result == -1 && last_error() != EINTR) throw_os_error(last_error(), "kevent");
}

int KqueueSelector::os_wait(Duration timeout) {
  if (timeout.is_infinite()) {
    return wait_result(kernel_.kevent(kqueue_, {}, batch_->events, nullptr), "kevent");
  }
  const timespec limit = to_limit(timeout);
  return wait_result(kernel_.kevent(kqueue_, {}, batch_->events, &limit), "kevent");
}

void KqueueSelector::os_collect(int ready) {
  const auto events = std::span(batch_->events).first(static_cast<std::size_t>(ready));
  for (const struct kevent& event : events) {
    const Registration registration = to_registration(event);
    if (!is_registered(registration)) continue;
    happened_[static_cast<std::size_t>(registration.fd)] |= to_mask(event);
  }
  for (const struct kevent& event : events) {
    const Registration registration = to_registration(event);
    if (!is_registered(registration)) continue;
    EventMask& happened = happened_[static_cast<std::size_t>(registration.fd)];
    if (happened != 0) report(registration, std::exchange(happened, 0U));
  }
}

void KqueueSelector::os_close() noexcept {
  const int kqueue = std::exchange(kqueue_, -1);
  // In a forked child the number may belong to somebody else.
  if (kqueue == -1 || is_in_forked_child()) return;
  const LastErrorKeeper keeper;
  kernel_.close(kqueue);
}

}  // namespace asyncio
