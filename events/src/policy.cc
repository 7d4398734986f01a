#include "asyncio/events/policy.h"

#include <pthread.h>

#include <stdexcept>

#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"

namespace asyncio {
namespace {

constinit thread_local EventLoop* current = nullptr;

void forget_in_child() { current = nullptr; }

}  // namespace

std::unique_ptr<EventLoop> new_event_loop() { return std::make_unique<SelectorEventLoop>(); }

EventLoop& get_event_loop() {
  if (EventLoop* loop = running_loop_or_null()) return *loop;
  if (current == nullptr) throw std::runtime_error("There is no current event loop in this thread");
  return *current;
}

void set_event_loop(EventLoop* loop) noexcept {
  [[maybe_unused]] static const int watching = pthread_atfork(nullptr, nullptr, forget_in_child);
  current = loop;
}

}  // namespace asyncio
