#include "asyncio/events/running_loop.h"

#include <pthread.h>

#include <stdexcept>
#include <utility>

namespace asyncio {
namespace {

constinit thread_local EventLoop* running = nullptr;

void forget_running_in_child() { running = nullptr; }

}  // namespace

EventLoop* running_loop_or_null() noexcept { return running; }

EventLoop& get_running_loop() {
  if (running == nullptr) throw std::runtime_error("no running event loop");
  return *running;
}

EventLoop* set_running_loop(EventLoop* loop) noexcept {
  static const int registered = pthread_atfork(nullptr, nullptr, forget_running_in_child);
  (void)registered;
  return std::exchange(running, loop);
}

}  // namespace asyncio
