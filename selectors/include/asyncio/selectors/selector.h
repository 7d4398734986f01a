// Selector: who is ready? One interface over the operating systems' ways to wait for many
// descriptors at once.
//
// A back end supplies these and nothing else; every rule is kept once, in the public functions of
// the base class:
//
//   name()       what it is called in messages
//   fileno()     the descriptor of its kernel object, if it has one
//   os_add       tells the OS to watch a descriptor; throws OsError if the OS refuses
//   os_modify    tells the OS that the interest has changed; throws likewise
//   os_remove    tells the OS to forget a descriptor; errors are dropped, it may be closed already
//   os_wait      the waiting system call, once; returns what it returned
//   os_collect   calls report() for each descriptor that the last os_wait() found
//   os_close     gives the kernel object back
//
// Readiness is level-triggered: what is not dealt with is reported again. Hang-ups and errors count
// as readable and writable, so that whoever is interested in either runs into them (SelectSelector
// shows hang-ups to readers only). A selector belongs to one thread at a time and to the process
// that made it.
//
// Stale events. A descriptor that is closed while registered leaves the OS's set only when its last
// duplicate is closed, and its number may go to somebody else meanwhile. Each registration
// therefore has a generation, which travels through the kernel with its events: what belongs to no
// living registration is dropped, never handed to the number's new owner. A registration that was
// left standing is another matter: with a back end that knows descriptors by number alone (devpoll,
// poll, select) it receives the events of whoever has the number now. Remove a descriptor before
// closing it.
//
// Cost of select(): one system call, two virtual calls, per ready descriptor one look-up in a
// vector; no allocation once the result has reached its largest size; no look at the clock unless
// the wait is finite.

#ifndef ASYNCIO_SELECTORS_SELECTOR_H_
#define ASYNCIO_SELECTORS_SELECTOR_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/process_stamp.h"
#include "asyncio/selectors/selector_map.h"

namespace asyncio {

// A registration and the part of its interest that is ready; never empty.
struct ReadyKey {
  SelectorKey key;
  EventMask events;

  friend bool operator==(const ReadyKey&, const ReadyKey&) = default;
};

// Counterpart of selectors.BaseSelector. std::invalid_argument stands for Python's ValueError,
// std::out_of_range for KeyError, OsError for OSError; std::runtime_error means that the selector
// is closed or, for the four functions that change it or wait, that this is a forked child.
class Selector {
 public:
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;
  virtual ~Selector();

  // Starts watching `fd` for `events`; `data` comes back with every event. Python's register().
  // Throws std::invalid_argument if `events` is empty or has unknown bits or `fd` is negative,
  // std::out_of_range if `fd` is registered already, OsError if the OS refuses (PermissionError for
  // a regular file with epoll); then nothing has changed.
  SelectorKey add(int fd, EventMask events, void* data = nullptr);

  // Replaces interest and data of a registered descriptor, data also if none is given. The OS hears
  // of it only if the interest changes. Throws as add(), but std::out_of_range if `fd` is not
  // registered. If the OS refuses, the registration is gone.
  SelectorKey modify(int fd, EventMask events, void* data = nullptr);

  // Stops watching and returns what was registered. Python's unregister(). Succeeds also if `fd`
  // has been closed meanwhile, and if its number already belongs to somebody else. Throws
  // std::out_of_range if it is not registered, std::invalid_argument if it is negative.
  SelectorKey remove(int fd);

  // Waits until something is ready, at most for `timeout`; without one, or with an infinite one,
  // for ever; one that is zero or negative only looks. Returns what is ready, masked by its
  // interest, each registration at most once; the rest of a very large batch comes with the next
  // call. Empty when the time is over, and possibly earlier (limits above 24 days are cut, dead
  // registrations swept out). Never wakes early for lack of resolution: rounds up. A signal does
  // not end the wait (PEP 475); have its handler write to a watched descriptor for that. Also works
  // with nothing registered. The result is valid until the next select() or close(): descriptors
  // may be added and removed while one reads it. Throws OsError.
  std::span<const ReadyKey> select(std::optional<Duration> timeout = std::nullopt);

  // Throws std::out_of_range if `fd` is not registered, std::invalid_argument if it is negative.
  SelectorKey get_key(int fd) const;

  // A live view, valid as long as the selector; empty after close() (Python: None).
  const SelectorMap& get_map() const noexcept { return map_; }

  // Forgets all registrations and frees the OS's object; without effect the second time. A forked
  // child that closes leaves the parent's registrations alone. The destructor closes too.
  void close() noexcept;

  bool is_closed() const noexcept { return closed_; }

  // The class's name, for messages ("Using selector: EpollSelector").
  virtual std::string_view name() const noexcept = 0;

  // The descriptor of the OS's own object, readable while something is ready: a foreign loop can
  // wait for it. -1 where there is none and after close().
  virtual int fileno() const noexcept { return -1; }

 protected:
  Selector() = default;

  // For the hooks below, os_collect above all. Files an event under its registration, masked by its
  // interest. False if the registration is no more; a back end whose kernel can go on reporting
  // such should then sweep it out.
  bool report(Registration registration, EventMask events) {
    const SelectorMap::Slot* slot = find(registration);
    if (slot == nullptr) return false;
    file(registration.fd, *slot, events);
    return true;
  }

  // The same for an OS that knows descriptors only by number.
  void report(int fd, EventMask events) {
    if (const SelectorMap::Slot* slot = map_.find(fd)) file(fd, *slot, events);
  }

  // Whether this very registration lives, not a later one of its number.
  bool is_registered(Registration registration) const noexcept {
    return find(registration) != nullptr;
  }

  // The current registration of a key of get_map().
  Registration registration_of(const SelectorKey& key) const noexcept {
    return {key.fd, map_.find(key.fd)->generation};
  }

  // Whether this is not the process that made the selector, but a copy.
  bool is_in_forked_child() const noexcept { return !stamp_.is_current(); }

  // Starts watching; called before the registration appears in get_map(). If it throws, nothing may
  // be watched: os_remove() is not called.
  virtual void os_add(Registration registration, EventMask events) = 0;

  // Watches for `events` instead; called only if that makes a difference.
  virtual void os_modify(Registration registration, EventMask events) = 0;

  // Stops watching. Also called after a refused os_modify(), when the OS may or may not still
  // watch.
  virtual void os_remove(int fd) noexcept = 0;

  // Waits once: not at all for zero, for ever if infinite; never negative. Returns wait_result() of
  // the system call.
  virtual int os_wait(Duration timeout) = 0;

  // How many descriptors `call` found ready, or -1 if a signal interrupted it: then select() waits
  // for the rest of the time. Throws OsError for every other failure.
  static int wait_result(int result, std::string_view call);

  // `ready` is what os_wait() returned, above zero. Reports each registration once, with all that
  // has happened to it.
  virtual void os_collect(int ready) = 0;

  // Called once, also in a forked child, where it must leave what the parent watches alone. The
  // destructor of this class cannot call it: members of the back end must clean up by themselves.
  virtual void os_close() noexcept = 0;

 private:
  const SelectorMap::Slot* find(Registration registration) const noexcept {
    const SelectorMap::Slot* slot = map_.find(registration.fd);
    return slot != nullptr && slot->generation == registration.generation ? slot : nullptr;
  }
  void file(int fd, const SelectorMap::Slot& slot, EventMask events) {
    if (const EventMask wanted = events & slot.events) {
      ready_.push_back({{fd, slot.events, slot.data}, wanted});
    }
  }
  void require_open() const;
  void require_usable() const;
  void change_interest(int fd, EventMask events);
  int wait_through_signals(Duration timeout);

  SelectorMap map_;
  std::vector<ReadyKey> ready_;
  std::uint32_t last_generation_ = 0;
  const ProcessStamp stamp_;
  bool closed_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_SELECTOR_H_
