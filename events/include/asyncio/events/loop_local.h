// One object per loop, for the layers above the loop.
//
// The loop must not know tasks, buffers or resolvers, yet each of them needs something per loop. A
// LoopLocal<T> is a key to which every loop holds its own T: made on first use, destroyed when the
// loop closes, last made first destroyed.
//
//   inline LoopLocal<TaskRegistry> task_registry;
//   task_registry.of(loop).add(task);
#ifndef ASYNCIO_EVENTS_LOOP_LOCAL_H_
#define ASYNCIO_EVENTS_LOOP_LOCAL_H_

#include <cstddef>
#include <memory>
#include <vector>

namespace asyncio {

class EventLoop;

namespace internal {

// The objects of one loop.
class LoopLocals {
 public:
  LoopLocals() = default;
  ~LoopLocals() { clear(); }

  LoopLocals(const LoopLocals&) = delete;
  LoopLocals& operator=(const LoopLocals&) = delete;

  void* find(std::size_t key) const noexcept {
    return key < by_key_.size() ? by_key_[key] : nullptr;
  }

  // REQUIRES: find(key) == nullptr.
  void add(std::size_t key, std::shared_ptr<void> object);

  // Destroys all, last added first. Objects may look each other up, and so make new ones,
  // meanwhile.
  void clear() noexcept;

 private:
  std::vector<void*> by_key_;
  std::vector<std::shared_ptr<void>> in_order_;
};

std::size_t new_loop_local_key() noexcept;
LoopLocals& locals_of(EventLoop& loop) noexcept;

}  // namespace internal

// `T` is constructible from an EventLoop&. Keys are for objects of static storage duration: a key
// is never given back.
template <class T>
class LoopLocal {
 public:
  LoopLocal() : key_(internal::new_loop_local_key()) {}

  LoopLocal(const LoopLocal&) = delete;
  LoopLocal& operator=(const LoopLocal&) = delete;

  // The T of `loop`. Loop's thread only. Two loads once it exists.
  T& of(EventLoop& loop) const {
    internal::LoopLocals& locals = internal::locals_of(loop);
    if (void* object = locals.find(key_); object != nullptr) return *static_cast<T*>(object);
    auto made = std::make_shared<T>(loop);
    T& object = *made;
    locals.add(key_, std::move(made));
    return object;
  }

  // The T of `loop` if it has been made, else null.
  T* find(EventLoop& loop) const { return static_cast<T*>(internal::locals_of(loop).find(key_)); }

 private:
  std::size_t key_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_LOOP_LOCAL_H_
