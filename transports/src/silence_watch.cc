#include "transports/src/silence_watch.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

constexpr int kQuestionsPerLimit = 4;

// More would be asked for nothing, and must fit into a connection's count.
constexpr int kMostIntervals = 10'000;

// Not a whole interval has passed when it is asked for the first time.
constexpr int kNotAsked = -1;

using std::chrono::microseconds;

microseconds interval_of(Duration limit) {
  if (limit <= Duration() || limit.is_infinite()) return microseconds::zero();
  return std::chrono::ceil<microseconds>(limit.nanoseconds()) / kQuestionsPerLimit +
         microseconds(1);
}

}  // namespace

// Whoever breaks the silence is seen in time for the next watch.
SilenceWatch::SilenceWatch(EventLoop& loop, Duration limit, const char* complaint,
                           SilenceWatch* then)
    : loop_(loop), interval_(interval_of(limit)), complaint_(complaint), then_(then) {
  if (!on()) return;
  const microseconds whole = interval_ * kQuestionsPerLimit;
  if (then != nullptr && then->on()) interval_ = std::min(interval_, then->interval_);
  interval_ = std::max(interval_, whole / kMostIntervals + microseconds(1));
  intervals_ = static_cast<int>((whole + interval_ - microseconds(1)) / interval_);
}

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
  } else if (++connection.silence >= intervals_) {
    connection.abort_with(std::make_exception_ptr(TimeoutError(complaint_)));
  }
}

}  // namespace asyncio::internal
