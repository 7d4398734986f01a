#include "asyncio/events/selector_event_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <stdexcept>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

// Readiness says that one call will not block; the second one of the same callback may.
void warn_of_blocking_socket(int fd, std::source_location where) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if ((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) return;
  log(LogSeverity::kWarning, absl::StrCat("the socket must be non-blocking: descriptor ", fd,
                                          ", watched at ", to_string(where)));
}

}  // namespace

SelectorEventLoop::SelectorEventLoop(std::unique_ptr<Selector> selector,
                                     std::source_location created)
    : EventLoop(created), selector_(std::move(selector)), signals_(inbox()) {
  selector_->add(inbox()->waker().fileno(), kEventRead, nullptr);
}

SelectorEventLoop::~SelectorEventLoop() { close_forgotten(); }

void SelectorEventLoop::run_once(std::optional<Duration> limit) {
  const bool must_ask = has_something_to_ask();
  take_posted();
  if (must_ask || !anything_due()) wait(limit);
  take_posted();
  make_timers_due();
  run_due();
}

// A turn that has something to do and could learn nothing saves the system call. After a post or a
// signal the waker is to be silenced.
bool SelectorEventLoop::has_something_to_ask() const noexcept {
  return watches_descriptors() || inbox()->pending() || signals_.any_arrived();
}

void SelectorEventLoop::wait(std::optional<Duration> limit) {
  for (const ReadyKey& ready : selector_->select(limit)) {
    if (ready.key.data == nullptr) {
      answer_waker();
      continue;
    }
    const auto& handlers = *static_cast<const FdHandlers*>(ready.key.data);
    if (ready.events & kEventRead) make_due(handlers.reader);
    if (ready.events & kEventWrite) make_due(handlers.writer);
  }
}

// A handler that a FatalError left due is due already.
void SelectorEventLoop::make_due(FdHandler* handler) noexcept {
  if (handler != nullptr && !handler->linked()) enqueue(*handler);
}

// Signals are looked at after the waker has been silenced, or one that arrives in between would
// wait for the next wake-up.
void SelectorEventLoop::answer_waker() {
  inbox()->waker().acknowledge();
  for (const auto& callback : signals_.take_arrived()) {
    call_soon([callback] { callback->call(); }, callback->context, callback->added);
  }
}

EventMask SelectorEventLoop::FdHandlers::events() const {
  return (reader != nullptr ? kEventRead : 0) | (writer != nullptr ? kEventWrite : 0);
}

void SelectorEventLoop::add_reader(int fd, Callback callback, std::source_location where) {
  set_callback(fd, kEventRead, std::move(callback), where);
}

void SelectorEventLoop::add_writer(int fd, Callback callback, std::source_location where) {
  set_callback(fd, kEventWrite, std::move(callback), where);
}

void SelectorEventLoop::watch_reader(int fd, FdHandler& handler, std::source_location where) {
  check_watch(fd, where);
  set_handler(fd, kEventRead, handler);
}

bool SelectorEventLoop::remove_reader(int fd) { return remove_handler(fd, kEventRead); }

bool SelectorEventLoop::remove_writer(int fd) { return remove_handler(fd, kEventWrite); }

// Makes room for the descriptor; a bad number would cost gigabytes.
void SelectorEventLoop::check_watch(int fd, std::source_location where) {
  check_call();
  if (fd < 0) throw std::invalid_argument("Invalid file descriptor");
  if (get_debug()) warn_of_blocking_socket(fd, where);
  const auto index = static_cast<std::size_t>(fd);
  if (index < handlers_.size()) return;
  check(::fcntl(fd, F_GETFD), "fcntl");
  handlers_.resize(index + 1);
}

void SelectorEventLoop::set_callback(int fd, EventMask event, Callback callback,
                                     std::source_location where) {
  check_watch(fd, where);
  set_handler(fd, event, *new internal::FdCallback(*this, std::move(callback), where));
}

// Who is replaced or removed goes last, when all is in order again: what a callback has captured
// may come back here as it goes.
void SelectorEventLoop::set_handler(int fd, EventMask event, FdHandler& handler) {
  FdHandlers& handlers = handlers_[static_cast<std::size_t>(fd)];
  const EventMask before = handlers.events();
  FdHandler* const old = std::exchange(handlers.of(event), &handler);
  const absl::Cleanup last = [old] { let_go(old); };
  register_events(fd, before, handlers);
}

bool SelectorEventLoop::remove_handler(int fd, EventMask event) {
  const auto index = static_cast<std::size_t>(fd);
  if (is_closed() || fd < 0 || index >= handlers_.size()) return false;
  FdHandlers& handlers = handlers_[index];
  const EventMask before = handlers.events();
  if ((before & event) == 0) return false;
  FdHandler* const old = std::exchange(handlers.of(event), nullptr);
  const absl::Cleanup last = [old] { let_go(old); };
  if (process_.is_current()) register_events(fd, before, handlers);
  return true;
}

void SelectorEventLoop::let_go(FdHandler* handler) noexcept {
  if (handler == nullptr) return;
  handler->unlink();
  handler->removed();
}

// Tells the selector what changed. If the system refuses, the selector has dropped the descriptor,
// so its handlers go too.
void SelectorEventLoop::register_events(int fd, EventMask before, FdHandlers& handlers) {
  const EventMask events = handlers.events();
  absl::Cleanup drop = [&] {
    const FdHandlers dropped = std::exchange(handlers, FdHandlers());
    let_go(dropped.reader);
    let_go(dropped.writer);
  };
  if (before == 0) {
    selector_->add(fd, events, &handlers);
  } else if (events == 0) {
    selector_->remove(fd);
  } else {
    selector_->modify(fd, events, &handlers);
  }
  std::move(drop).Cancel();
}

void SelectorEventLoop::add_signal_handler(int signal, Callback callback,
                                           std::source_location where) {
  SignalHandlers::check(signal);
  check_call();
  signals_.add(signal, std::move(callback), where);
}

bool SelectorEventLoop::remove_signal_handler(int signal) { return signals_.remove(signal); }

bool SelectorEventLoop::watches_descriptors() const noexcept {
  constexpr std::size_t kWaker = 1;
  return selector_->get_map().size() > kWaker;
}

bool SelectorEventLoop::awaits_input() const noexcept {
  return watches_descriptors() || signals_.any_besides(SIGINT);
}

void SelectorEventLoop::release() noexcept {
  signals_.clear();
  for (const FdHandlers& handlers : std::exchange(handlers_, {})) {
    let_go(handlers.reader);
    let_go(handlers.writer);
  }
  selector_->close();
}

}  // namespace asyncio
