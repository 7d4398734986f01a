// Tells a protocol when to stop writing and when to go on.
#ifndef ASYNCIO_TRANSPORTS_WRITE_PAUSER_H_
#define ASYNCIO_TRANSPORTS_WRITE_PAUSER_H_

#include <cstddef>
#include <string_view>

#include "asyncio/events/event_loop.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/protocol.h"

namespace asyncio {

// Pauses above the high-water mark and resumes at the low-water mark, strictly by turns, inside
// whichever call passes the mark. What the protocol throws there is reported. `protocol` may be
// null, as it is once the connection is lost.
class WritePauser {
 public:
  explicit WritePauser(EventLoop& loop) noexcept : loop_(loop) {}

  const WriteBufferLimits& limits() const noexcept { return flow_.limits(); }
  void set_limits(WriteBufferLimits limits) noexcept { flow_.set_limits(limits); }

  // Whether the protocol has been told to pause, and not yet to resume.
  bool paused() const noexcept { return flow_.paused(); }

  // `size`: what is buffered, after it has grown, or after it has shrunk.
  void grew(std::size_t size, BaseProtocol* protocol) {
    if (flow_.must_pause(size)) call(protocol, &BaseProtocol::pause_writing, "pause_writing");
  }
  void shrank(std::size_t size, BaseProtocol* protocol) {
    if (flow_.must_resume(size)) call(protocol, &BaseProtocol::resume_writing, "resume_writing");
  }

 private:
  void call(BaseProtocol* protocol, void (BaseProtocol::*callback)(), std::string_view name);

  EventLoop& loop_;
  WriteFlow flow_;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_WRITE_PAUSER_H_
