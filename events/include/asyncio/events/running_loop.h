// Which loop runs in this thread.
//
// At most one loop runs in a thread. A process forked while a loop runs sees none: the child must
// not touch its parent's loop.
#ifndef ASYNCIO_EVENTS_RUNNING_LOOP_H_
#define ASYNCIO_EVENTS_RUNNING_LOOP_H_

namespace asyncio {

class EventLoop;

// The loop that runs in this thread. Throws std::runtime_error ("no running event loop").
//
// Python counterpart: asyncio.get_running_loop().
EventLoop& get_running_loop();

// The same, or null. One thread-local load.
//
// Python counterpart: asyncio._get_running_loop().
EventLoop* running_loop_or_null() noexcept;

// For those who implement loops: sets what the two above return, and returns what it was.
//
// Python counterpart: asyncio._set_running_loop().
EventLoop* set_running_loop(EventLoop* loop) noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_RUNNING_LOOP_H_
