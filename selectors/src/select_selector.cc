#include "asyncio/selectors/select_selector.h"

#include <stdexcept>

#include "selectors/src/open_descriptor.h"
#include "selectors/src/wait_time.h"

namespace asyncio {

SelectSelector::SelectSelector() noexcept { os_close(); }

void SelectSelector::os_add(Registration registration, EventMask events) {
  if (registration.fd >= FD_SETSIZE) {
    throw std::invalid_argument("filedescriptor out of range in select()");
  }
  os_modify(registration, events);
}

void SelectSelector::os_modify(Registration registration, EventMask events) {
  // select() itself would complain with every wait.
  require_open_descriptor(registration.fd);
  os_remove(registration.fd);
  if (events & kEventRead) FD_SET(registration.fd, &readers_);
  if (events & kEventWrite) FD_SET(registration.fd, &writers_);
}

void SelectSelector::os_remove(int fd) noexcept {
  FD_CLR(fd, &readers_);
  FD_CLR(fd, &writers_);
}

int SelectSelector::os_wait(Duration timeout) {
  readable_ = readers_;
  writable_ = writers_;
  const timespec limit = timeout.is_infinite() ? timespec{} : to_timespec(timeout);
  const int ready = ::pselect(FD_SETSIZE, &readable_, &writable_, nullptr,
                              timeout.is_infinite() ? nullptr : &limit, nullptr);
  return wait_result(ready, "select");
}

void SelectSelector::os_collect(int /*ready*/) {
  for (const SelectorKey& key : get_map()) {
    EventMask events = 0;
    if (FD_ISSET(key.fd, &readable_)) events |= kEventRead;
    if (FD_ISSET(key.fd, &writable_)) events |= kEventWrite;
    report(key.fd, events);
  }
}

void SelectSelector::os_close() noexcept {
  FD_ZERO(&readers_);
  FD_ZERO(&writers_);
}

}  // namespace asyncio
