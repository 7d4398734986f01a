#include "asyncio/events/policy.h"

#include <stdexcept>

#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"

namespace asyncio {
namespace {

constinit thread_local EventLoop* current = nullptr;

}  // namespace

std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<SelectorEventLoop>(); }

EventLoop& get_event_loop() {
  if (EventLoop* loop = running_loop_or_null()) return *loop;
  if (current == nullptr) throw std::runtime_error("There is no current event loop in this thread");
  return *current;
}

void set_event_loop(EventLoop* loop) noexcept { current = loop; }

}  // namespace asyncio
