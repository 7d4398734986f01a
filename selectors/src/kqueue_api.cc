#include "selectors/src/kqueue_api.h"

#include <unistd.h>

namespace asyncio {
namespace {

// From inside SystemKqueue the names of its members would hide these.
int open_queue() { return kqueue(); }

int exchange(int kq, std::span<const struct kevent> changes, std::span<struct kevent> events,
             const timespec* timeout) {
  return kevent(kq, changes.data(), static_cast<int>(changes.size()), events.data(),
                static_cast<int>(events.size()), timeout);
}

class SystemKqueue final : public KqueueApi {
 public:
  int kqueue() override { return open_queue(); }
  int kevent(int kq, std::span<const struct kevent> changes, std::span<struct kevent> events,
             const timespec* timeout) override {
    return exchange(kq, changes, events, timeout);
  }
  int close(int kq) override { return ::close(kq); }
};

}  // namespace

KqueueApi& system_kqueue() noexcept {
  static SystemKqueue kernel;
  return kernel;
}

}  // namespace asyncio
