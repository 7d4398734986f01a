#include "asyncio/selectors/epoll_selector.h"

#if __has_include(<sys/epoll.h>)

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <span>

#include "asyncio/selectors/os_error.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

// Events taken from the kernel by one wait; it hands out the rest with the next ones, in turn.
constexpr std::size_t kBatch = 1024;

// Not EPOLLRDHUP: a peer that only stops sending would make a writer whose buffer is full spin.
epoll_event to_event(Registration registration, EventMask events) {
  epoll_event event{};
  if (events & kEventRead) event.events |= EPOLLIN;
  if (events & kEventWrite) event.events |= EPOLLOUT;
  event.data.u64 = std::bit_cast<std::uint64_t>(registration);
  return event;
}

// Hang-ups and errors are neither of the two bits, so they count as both events.
EventMask to_mask(std::uint32_t happened) {
  EventMask events = 0;
  if (happened & ~EPOLLIN) events |= kEventWrite;
  if (happened & ~EPOLLOUT) events |= kEventRead;
  return events;
}

int wait_for_milliseconds(int epoll, std::span<epoll_event> batch, Duration timeout) {
  return ::epoll_wait(epoll, batch.data(), static_cast<int>(batch.size()),
                      to_milliseconds(timeout));
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)

int wait_for_nanoseconds(int epoll, std::span<epoll_event> batch, Duration timeout) {
  static std::atomic<bool> refused = false;
  if (refused.load(std::memory_order_relaxed)) return wait_for_milliseconds(epoll, batch, timeout);
  const timespec limit = to_timespec(timeout);
  const int ready =
      ::epoll_pwait2(epoll, batch.data(), static_cast<int>(batch.size()), &limit, nullptr);
  // ENOSYS: an older kernel. EPERM: a sandbox that does not know the call.
  if (ready != -1 || (last_error() != ENOSYS && last_error() != EPERM)) return ready;
  refused.store(true, std::memory_order_relaxed);
  return wait_for_milliseconds(epoll, batch, timeout);
}

#else

int wait_for_nanoseconds(int epoll, std::span<epoll_event> batch, Duration timeout) {
  return wait_for_milliseconds(epoll, batch, timeout);
}

#endif

// From one second on the kernel allows itself a thousandth of slack, so that milliseconds lose
// nothing; and the call that counts in them is 10 % cheaper when there is nothing to wait for.
bool milliseconds_suffice(Duration timeout) {
  return timeout == Duration::zero() || timeout >= std::chrono::seconds(1);
}

}  // namespace

EpollSelector::EpollSelector()
    : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), events_(kBatch) {}

void EpollSelector::os_add(Registration registration, EventMask events) {
  epoll_event event = to_event(registration, events);
  const int result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, registration.fd, &event);
  // A registration whose descriptor was closed before it was removed, and is now back under its old
  // number.
  if (result == -1 && last_error() == EEXIST) return os_modify(registration, events);
  check(result, "epoll_ctl");
}

void EpollSelector::os_modify(Registration registration, EventMask events) {
  epoll_event event = to_event(registration, events);
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, registration.fd, &event), "epoll_ctl");
}

void EpollSelector::os_remove(int fd) noexcept {
  const LastErrorKeeper keeper;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int EpollSelector::os_wait(Duration timeout) {
  const auto wait = milliseconds_suffice(timeout) ? wait_for_milliseconds : wait_for_nanoseconds;
  return wait_result(wait(epoll_.get(), events_, timeout), "epoll_wait");
}

void EpollSelector::os_collect(int ready) {
  bool all_known = true;
  for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
    all_known &=
        report(std::bit_cast<Registration>(std::uint64_t{event.data.u64}), to_mask(event.events));
  }
  if (!all_known) sweep();
}

// Moves to a fresh set what is registered and still in the old one under its number; if that fails
// for lack of resources, the next stale event tries again.
void EpollSelector::sweep() noexcept {
  const FileDescriptor fresh(::epoll_create1(EPOLL_CLOEXEC));
  if (!fresh.valid()) return;
  for (const SelectorKey& key : get_map()) {
    epoll_event event = to_event(registration_of(key), key.events);
    // Without this question a number that belongs to somebody else by now would be watched on his
    // behalf.
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, key.fd, &event) == -1) continue;
    if (::epoll_ctl(fresh.get(), EPOLL_CTL_ADD, key.fd, &event) == -1) return;
  }
  ::dup3(fresh.get(), epoll_.get(), O_CLOEXEC);
}

}  // namespace asyncio

#endif  // __has_include(<sys/epoll.h>)
