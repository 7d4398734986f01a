// The loop that waits in a Selector: the one users get on Linux and the BSDs.
//
// Python counterpart: asyncio.SelectorEventLoop.
#ifndef ASYNCIO_EVENTS_SELECTOR_EVENT_LOOP_H_
#define ASYNCIO_EVENTS_SELECTOR_EVENT_LOOP_H_

#include <deque>
#include <memory>
#include <optional>
#include <source_location>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/fd_handler.h"
#include "asyncio/events/signal_handlers.h"
#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/process_stamp.h"
#include "asyncio/selectors/selector.h"

namespace asyncio {

class SelectorEventLoop : public EventLoop {
 public:
  // Takes over the selector. Throws OsError when the process is out of descriptors.
  explicit SelectorEventLoop(std::unique_ptr<Selector> selector = DefaultSelector(),
                             std::source_location created = std::source_location::current());
  ~SelectorEventLoop() override;

  void add_reader(int fd, Callback callback,
                  std::source_location where = std::source_location::current()) override;
  void add_writer(int fd, Callback callback,
                  std::source_location where = std::source_location::current()) override;
  void watch_reader(int fd, FdHandler& handler, std::source_location where) override;
  bool remove_reader(int fd) override;
  bool remove_writer(int fd) override;

  void add_signal_handler(int signal, Callback callback,
                          std::source_location where = std::source_location::current()) override;
  bool remove_signal_handler(int signal) override;

  int fileno() const noexcept override { return selector_->fileno(); }
  bool awaits_input() const noexcept override;

 protected:
  void run_once(std::optional<Duration> limit) override;
  void release() noexcept override;

  // Waits until a descriptor is ready, another thread posts, a signal arrives or `limit` has passed
  // (nullopt: no limit), and makes due what that calls for. A turn that has something to do and
  // could learn nothing here, as no descriptor is watched and nobody has woken the loop, does
  // without.
  virtual void wait(std::optional<Duration> limit);

 private:
  // Who is called for one descriptor; null: nobody. It is the selector key's data.
  struct FdHandlers {
    FdHandler* reader = nullptr;
    FdHandler* writer = nullptr;

    EventMask events() const;
    FdHandler*& of(EventMask event) { return event == kEventRead ? reader : writer; }
  };

  void check_watch(int fd, std::source_location where);
  void set_callback(int fd, EventMask event, Callback callback, std::source_location where);
  void set_handler(int fd, EventMask event, FdHandler& handler);
  bool remove_handler(int fd, EventMask event);
  static void let_go(FdHandler* handler) noexcept;
  void register_events(int fd, EventMask before, FdHandlers& handlers);
  void make_due(FdHandler* handler) noexcept;
  void answer_waker();
  bool has_something_to_ask() const noexcept;
  bool watches_descriptors() const noexcept;

  const ProcessStamp process_;
  std::unique_ptr<Selector> selector_;
  std::deque<FdHandlers> handlers_;  // by descriptor; a deque, because keys point into it
  SignalHandlers signals_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_SELECTOR_EVENT_LOOP_H_
