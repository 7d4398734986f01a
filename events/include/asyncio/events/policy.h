// Which loop a thread means when none is running, and how new ones are made.
//
// Behind these functions stands one policy object for the process, which a program that embeds the
// library may replace. asyncio has deprecated its policies and drops them with 3.16: prefer
// RunnerOptions::loop_factory.
#ifndef ASYNCIO_EVENTS_POLICY_H_
#define ASYNCIO_EVENTS_POLICY_H_

#include <memory>
#include <source_location>

#include "asyncio/events/event_loop.h"

namespace asyncio {

// A fresh loop, by default of the kind that is best on this system. Does not become the thread's
// current loop. Throws OsError when the process is out of descriptors.
//
// Python counterpart: asyncio.new_event_loop().
std::unique_ptr<EventLoop> new_event_loop(
    std::source_location where = std::source_location::current());

// The running loop, else the one set for this thread. Throws std::runtime_error if there is
// neither ("There is no current event loop in thread 'MainThread'."); never makes one.
//
// Python counterpart: asyncio.get_event_loop() since 3.14.
EventLoop& get_event_loop();

// Sets this thread's current loop; null unsets it, and so does fork() in the child. The caller
// keeps owning it and unsets it before destroying it.
//
// Python counterpart: asyncio.set_event_loop().
void set_event_loop(EventLoop* loop);

// What the three functions ask; get_event_loop() only where no loop is running.
//
// Called from any thread: a loop that is set belongs to the calling thread.
//
// Python counterpart: asyncio.AbstractEventLoopPolicy.
class AbstractEventLoopPolicy {
 public:
  virtual ~AbstractEventLoopPolicy() = default;

  // May throw whatever get_event_loop() shall throw.
  virtual EventLoop& get_event_loop() = 0;
  virtual void set_event_loop(EventLoop* loop) = 0;
  virtual std::unique_ptr<EventLoop> new_event_loop(std::source_location where) = 0;
};

// One loop slot a thread, SelectorEventLoop for new loops.
//
// Python counterpart: asyncio.DefaultEventLoopPolicy.
class DefaultEventLoopPolicy : public AbstractEventLoopPolicy {
 public:
  EventLoop& get_event_loop() override;
  void set_event_loop(EventLoop* loop) override;
  std::unique_ptr<EventLoop> new_event_loop(std::source_location where) override;
};

// The process's policy, shared with calls that run. Any thread.
//
// Python counterpart: asyncio.get_event_loop_policy().
std::shared_ptr<AbstractEventLoopPolicy> get_event_loop_policy();

// Null restores the default. Any thread.
//
// Python counterpart: asyncio.set_event_loop_policy().
void set_event_loop_policy(std::shared_ptr<AbstractEventLoopPolicy> policy);

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_POLICY_H_
