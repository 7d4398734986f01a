#include "transports/src/silence_watch.h"

#include <chrono>
#include <exception>

#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

constexpr int kIntervals = 4;

// Not a whole interval has passed when it is asked for the first time.
constexpr int kNotAsked = -1;

Duration interval_of(Duration limit) {
  if (limit <= Duration() || limit.is_infinite()) return Duration();
  return std::chrono::ceil<std::chrono::microseconds>(limit.nanoseconds()) / kIntervals;
}

}  // namespace

SilenceWatch::SilenceWatch(EventLoop& loop, Duration limit, const char* complaint,
                           SilenceWatch* then)
    : loop_(loop), interval_(interval_of(limit)), complaint_(complaint), then_(then) {}

void SilenceWatch::add(SocketTransport& connection) {
  if (!on() && then_ != nullptr) return then_->add(connection);
  if (on() && connections_.empty()) schedule();
  connection.silence = kNotAsked;
  connections_.push_back(connection);
}

void SilenceWatch::schedule() {
  next_.cancel();
  next_ = loop_.call_later(interval_, [this] { sweep(); });
}

// One that is aborted leaves in a later turn.
void SilenceWatch::sweep() {
  connections_.for_each([this](SocketTransport& connection) { sweep(connection); });
  if (!connections_.empty()) schedule();
}

void SilenceWatch::sweep(SocketTransport& connection) {
  if (connection.take_activity()) {
    connection.silence = 0;
    if (then_ == nullptr) return;
    connection.unlink();
    then_->add(connection);
  } else if (++connection.silence >= kIntervals) {
    connection.abort_with(std::make_exception_ptr(TimeoutError(complaint_)));
  }
}

}  // namespace asyncio::internal
