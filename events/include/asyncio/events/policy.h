// Which loop a thread means when none is running, and how new ones are made.
//
// asyncio's policy objects are deprecated and leave with 3.16; what remains are these functions.
#ifndef ASYNCIO_EVENTS_POLICY_H_
#define ASYNCIO_EVENTS_POLICY_H_

#include <memory>

#include "asyncio/events/event_loop.h"

namespace asyncio {

// A fresh loop of the kind that is best on this system. Does not become the thread's current loop.
// Throws OsError when the process is out of descriptors.
//
// Python counterpart: asyncio.new_event_loop().
std::unique_ptr<EventLoop> new_event_loop();

// The running loop, else the one set for this thread. Throws std::runtime_error if there is
// neither; never makes one.
//
// Python counterpart: asyncio.get_event_loop() since 3.14.
EventLoop& get_event_loop();

// Sets this thread's current loop; null unsets it, and so does fork() in the child. The caller
// keeps owning it and unsets it before destroying it.
//
// Python counterpart: asyncio.set_event_loop().
void set_event_loop(EventLoop* loop) noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_POLICY_H_
