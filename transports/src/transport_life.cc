#include "transports/src/transport_life.h"

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/guarded_call.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/loop_local.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

// The open transports of a loop, by descriptor: it owns them until they are lost. One that is made
// while they are destroyed goes too.
class OpenTransports {
 public:
  explicit OpenTransports(EventLoop&) {}

  ~OpenTransports() {
    while (!open_.empty()) {
      const Open transport = std::move(open_.back());
      open_.pop_back();
      if (transport != nullptr) transport->end_with_loop();
    }
  }

  static OpenTransports& of(EventLoop& loop) {
    static auto* all = new LoopLocal<OpenTransports>();
    return all->of(loop);
  }

  // Owns the transport whose life it points to.
  using Open = std::shared_ptr<TransportLife>;

  bool contains(int fd) const { return index(fd) < open_.size() && open_[index(fd)] != nullptr; }
  void add(int fd, Open transport) {
    if (index(fd) >= open_.size()) open_.resize(index(fd) + 1);
    open_[index(fd)] = std::move(transport);
  }
  void remove(int fd) {
    if (contains(fd)) open_[index(fd)] = nullptr;
  }

 private:
  // Of one that is closed, and negative: beyond every table.
  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  std::vector<Open> open_;
};

}  // namespace

void check_no_transport(EventLoop& loop, int fd) {
  if (!OpenTransports::of(loop).contains(fd)) return;
  throw std::runtime_error(absl::StrCat("File descriptor ", fd, " is used by a transport"));
}

TransportLife::TransportLife(Owner& owner, EventLoop& loop, std::source_location created)
    : owner_(owner), loop_(loop), created_(created), context_(internal::ContextRef::capture()) {}

void TransportLife::start() {
  check_no_transport(loop_, owner_.descriptor());
  OpenTransports::of(loop_).add(owner_.descriptor(), {owner_.shared_from_this(), this});
  loop_.call_soon(in_context([this] {
                    made_ = true;
                    owner_.call_connection_made();
                  }),
                  created_);
  loop_.call_soon(in_context([this] { owner_.start_reading(); }), created_);
}

bool TransportLife::add_reader() {
  return watch([&] { loop_.watch_reader(owner_.descriptor(), *this, created_); });
}

void TransportLife::run() {
  internal::guarded_call(loop_, context_, *this, [this] { owner_.on_readable(); });
}

bool TransportLife::watch(absl::FunctionRef<void()> add) {
  try {
    add();
    return true;
  } catch (...) {
    fail("Fatal error: the descriptor cannot be watched.");
    return false;
  }
}

void TransportLife::report(std::string_view message, std::exception_ptr error) {
  loop_.call_exception_handler(
      {.message = std::string(message),
       .exception = std::move(error),
       .details = {{"transport", absl::StrCat("fd ", owner_.descriptor())}}});
}

void TransportLife::fail(std::string_view message) {
  try {
    throw;
  } catch (const OsError&) {
    force_close(std::current_exception());
  } catch (...) {
    fail_loudly(message);
  }
}

void TransportLife::fail_loudly(std::string_view message) {
  const std::exception_ptr error = std::current_exception();
  try {
    throw;
  } catch (const FatalError&) {
    force_close(error);
    throw;
  } catch (...) {
    report(message, error);
  }
  force_close(error);
}

void TransportLife::force_close(std::exception_ptr error) {
  if (lost_) return;
  closing_ = true;
  owner_.stop();
  lose_soon(std::move(error));
}

void TransportLife::lose_soon(std::exception_ptr error) {
  lost_ = true;
  if (loop_.is_closed()) return;
  loop_.call_soon(
      in_context([this, error = std::move(error)]() mutable { lose(std::move(error)); }), created_);
}

void TransportLife::lose(std::exception_ptr error) {
  const std::shared_ptr<Owner> alive = owner_.shared_from_this();
  OpenTransports::of(loop_).remove(owner_.descriptor());
  finish(std::move(error));
}

// Whatever the protocol does in its last call, the descriptor goes and the owner hears of the end.
// A loop that closes may find a protocol that has not had its first one.
void TransportLife::finish(std::exception_ptr error) {
  const std::shared_ptr<BaseProtocol> protocol = owner_.take_protocol();
  closing_ = true;
  lost_ = true;
  absl::Cleanup release = [&] {
    owner_.close_descriptor();
    owner_.ended();
  };
  if (made_) protocol->connection_lost(std::move(error));
}

void TransportLife::end_with_loop() {
  if (loop_.get_debug() && !closing_) {
    log(LogSeverity::kWarning, absl::StrCat("unclosed transport, descriptor ", owner_.descriptor(),
                                            ", created at ", to_string(created_)));
  }
  internal::ContextScope scope(context_);
  owner_.stop();
  try {
    finish(make_os_error(ECONNABORTED, "the event loop was closed"));
  } catch (const FatalError&) {
    // The loop is closing already.
  } catch (...) {
    loop_.call_exception_handler(
        {.message = "Exception in connection_lost", .exception = std::current_exception()});
  }
}

}  // namespace asyncio
