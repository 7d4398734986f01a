#include "transports/src/silence_watch.h"

#include <chrono>
#include <exception>

#include "absl/container/flat_hash_map.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio::internal {
namespace {

constexpr int kIntervals = 4;

Duration interval_of(Duration limit) {
  if (limit <= Duration() || limit.is_infinite()) return Duration();
  return std::chrono::ceil<std::chrono::microseconds>(limit.nanoseconds()) / kIntervals;
}

}  // namespace

SilenceWatch::SilenceWatch(EventLoop& loop, Duration limit, const char* complaint,
                           SilenceWatch* then)
    : loop_(loop), interval_(interval_of(limit)), complaint_(complaint), then_(then) {}

void SilenceWatch::add(SocketTransport& connection) {
  if (on()) {
    watched_.emplace(&connection, Watched{&connection});
    if (watched_.size() == 1) schedule();
  } else if (then_ != nullptr) {
    then_->add(connection);
  }
}

void SilenceWatch::schedule() {
  next_.cancel();
  next_ = loop_.call_later(interval_, [this] { sweep(); });
}

// Nothing that is called here removes a connection: one that is aborted ends in a later turn.
void SilenceWatch::sweep() {
  absl::erase_if(watched_, [this](auto& entry) { return sweep(entry.second); });
  if (!watched_.empty()) schedule();
}

// Whether it is to be watched no longer.
bool SilenceWatch::sweep(Watched& watched) {
  if (watched.connection->take_activity()) {
    watched.silent = 0;
    if (then_ == nullptr) return false;
    then_->add(*watched.connection);
    return true;
  }
  if (++watched.silent < kIntervals) return false;
  watched.connection->abort_with(std::make_exception_ptr(TimeoutError(complaint_)));
  return true;
}

}  // namespace asyncio::internal
