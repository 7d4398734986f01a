#include "asyncio/events/policy.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"

namespace asyncio {
namespace {

constinit thread_local EventLoop* current = nullptr;

void forget_current_in_child() { current = nullptr; }

// As Python calls the main thread, as the system calls the others.
std::string name_of_this_thread() {
  if (::gettid() == ::getpid()) return "MainThread";
  constexpr std::size_t kLongestName = 16;
  std::array<char, kLongestName> name = {};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

ABSL_CONST_INIT absl::Mutex policy_mutex(absl::kConstInit);

// Never destroyed: what ends with the process may still ask.
std::shared_ptr<AbstractEventLoopPolicy>& the_policy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(policy_mutex) {
  static auto* policy = new std::shared_ptr<AbstractEventLoopPolicy>();
  return *policy;
}

}  // namespace

EventLoop& DefaultEventLoopPolicy::get_event_loop() {
  if (current == nullptr) {
    throw std::runtime_error(
        absl::StrCat("There is no current event loop in thread '", name_of_this_thread(), "'."));
  }
  return *current;
}

void DefaultEventLoopPolicy::set_event_loop(EventLoop* loop) {
  [[maybe_unused]] static const int watching =
      pthread_atfork(nullptr, nullptr, forget_current_in_child);
  current = loop;
}

std::unique_ptr<EventLoop> DefaultEventLoopPolicy::new_event_loop(std::source_location where) {
  return std::make_unique<SelectorEventLoop>(DefaultSelector(), where);
}

std::shared_ptr<AbstractEventLoopPolicy> get_event_loop_policy() {
  absl::MutexLock lock(&policy_mutex);
  auto& policy = the_policy();
  if (policy == nullptr) policy = std::make_shared<DefaultEventLoopPolicy>();
  return policy;
}

void set_event_loop_policy(std::shared_ptr<AbstractEventLoopPolicy> policy) {
  absl::MutexLock lock(&policy_mutex);
  the_policy().swap(policy);
}

std::unique_ptr<EventLoop> new_event_loop(std::source_location where) {
  return get_event_loop_policy()->new_event_loop(where);
}

EventLoop& get_event_loop() {
  if (EventLoop* loop = running_loop_or_null()) return *loop;
  return get_event_loop_policy()->get_event_loop();
}

void set_event_loop(EventLoop* loop) { get_event_loop_policy()->set_event_loop(loop); }

}  // namespace asyncio
