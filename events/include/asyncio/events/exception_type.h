// What type an exception_ptr holds, without throwing it.
//
// Ending a task must tell a CancelledError from a failure. Rethrowing to find out costs about a
// microsecond, as much as the whole cancellation of a sleeping task; libstdc++ lets us read the
// type.
#ifndef ASYNCIO_EVENTS_EXCEPTION_TYPE_H_
#define ASYNCIO_EVENTS_EXCEPTION_TYPE_H_

#include <exception>
#include <typeinfo>

namespace asyncio::internal {

// Whether `error` holds exactly an `E`, which must be final so that "exactly" is "at all".
template <class E>
bool holds(const std::exception_ptr& error) noexcept {
  static_assert(__is_final(E));
  if (error == nullptr) return false;
#ifdef __GLIBCXX__
  return *error.__cxa_exception_type() == typeid(E);
#else
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
#endif
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_EXCEPTION_TYPE_H_
