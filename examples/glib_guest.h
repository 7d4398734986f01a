// A loop as a guest of GLib's main loop: how to write such a thing for any host.
#ifndef ASYNCIO_EXAMPLES_GLIB_GUEST_H_
#define ASYNCIO_EXAMPLES_GLIB_GUEST_H_

#include <glib-unix.h>
#include <glib.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "asyncio/asyncio.h"

namespace examples {

// [guest]
// Lets `loop` run inside `host`, as one of its sources. `loop` is the running one until this goes.
class GlibGuest {
 public:
  // `host` is quit once `loop` is stopped, or an exception has left a turn.
  GlibGuest(asyncio::EventLoop& loop, GMainLoop* host) : run_(loop), host_(host) {
    static GSourceFuncs functions = {prepare, check, dispatch, nullptr, nullptr, nullptr};
    source_ = g_source_new(&functions, sizeof(Source));
    reinterpret_cast<Source*>(source_)->guest = this;
    g_source_attach(source_, g_main_loop_get_context(host));
  }

  ~GlibGuest() {
    g_source_destroy(source_);
    g_source_unref(source_);
  }

  GlibGuest(const GlibGuest&) = delete;
  GlibGuest& operator=(const GlibGuest&) = delete;

  // Throws what has left a turn: an exception cannot pass through GLib.
  void rethrow() {
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  struct Source {
    GSource base;  // first, so that GLib's pointer is ours
    GlibGuest* guest;
  };

  static GlibGuest& of(GSource* source) { return *reinterpret_cast<Source*>(source)->guest; }

  // GLib is about to wait: for what, and how long? True: it need not.
  static gboolean prepare(GSource* source, gint* timeout) {
    GlibGuest& guest = of(source);
    guest.watch(guest.run_.fileno());
    *timeout = guest.milliseconds();
    return *timeout == 0;
  }

  // GLib has waited. True: dispatch.
  static gboolean check(GSource* source) {
    GlibGuest& guest = of(source);
    return g_source_query_unix_fd(source, guest.tag_) != 0 || guest.milliseconds() == 0;
  }

  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
    GlibGuest& guest = of(source);
    try {
      guest.run_.run_once();
    } catch (...) {
      guest.error_ = std::current_exception();
    }
    if (guest.error_ != nullptr || guest.run_.stopped()) g_main_loop_quit(guest.host_);
    return G_SOURCE_CONTINUE;
  }

  void watch(int fd) {
    if (fd == watched_) return;
    if (tag_ != nullptr) g_source_remove_unix_fd(source_, tag_);
    tag_ = g_source_add_unix_fd(source_, fd, G_IO_IN);
    watched_ = fd;
  }

  // Rounded up, or GLib would turn in vain until the deadline. -1: no limit.
  int milliseconds() const {
    const std::optional<asyncio::Duration> limit = run_.wait_limit();
    if (!limit.has_value()) return -1;
    return static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(limit->nanoseconds()).count());
  }

  asyncio::GuestRun run_;
  GMainLoop* const host_;
  GSource* source_;
  gpointer tag_ = nullptr;
  int watched_ = -1;
  std::exception_ptr error_;
};
// [guest]

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_GLIB_GUEST_H_
