#include "transports/src/ready_to.h"

#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"

namespace asyncio {

void ReadyTo::watch() {
  EventLoop& loop = get_running_loop();
  registered_ = true;
  if (event_ == kEventRead) {
    loop.add_reader(fd_, Registration(*this));
  } else {
    loop.add_writer(fd_, Registration(*this));
  }
}

ReadyTo::~ReadyTo() {
  if (!registered_) return;
  if (event_ == kEventRead) {
    loop().remove_reader(fd_);
  } else {
    loop().remove_writer(fd_);
  }
}

}  // namespace asyncio
