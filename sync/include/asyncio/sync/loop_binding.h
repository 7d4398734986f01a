// Which loop a lock, queue or barrier belongs to: the first on which somebody has to wait for it.
#ifndef ASYNCIO_SYNC_LOOP_BINDING_H_
#define ASYNCIO_SYNC_LOOP_BINDING_H_

#include <stdexcept>

#include "asyncio/events/running_loop.h"

namespace asyncio {

class LoopBinding {
 public:
  // Called before a wait. Throws std::runtime_error, which names `owner`, in a loop that is not the
  // first. What never has to wait may go from loop to loop.
  //
  // Python counterpart: mixins._LoopBoundMixin._get_loop().
  template <class Owner>
  void bind(const Owner& owner) {
    const EventLoop* loop = &get_running_loop();
    if (loop_ == nullptr) loop_ = loop;
    if (loop_ == loop) return;
    throw std::runtime_error(to_string(owner) + " is bound to a different event loop");
  }

 private:
  const EventLoop* loop_ = nullptr;  // only compared: it may be gone
};

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_LOOP_BINDING_H_
